"""The pipeline: JSONL to an own table, dedup and the gold fact as tables, CSV out and in.

Each step is one timed statement, or a call for Polars, whose SQL writes no files. What it made is summed up and held against
DuckDB's sums before the time counts. Every engine writes its own storage; ingestion by Pulsehouse includes what
it promises: quarantine, the place of each row, and a durable commit.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

import answers
import dataset
import processes
from engines import BRONZE, GOLD, SILVER, TITLES, clickhouse_columns, remove
from processes import EngineError, start

EVENT_SUMS = "count(*) AS n, sum(user_id) AS u, sum(heart_rate) AS h, sum(activity_id) AS a, sum(longitude) AS l"
GOLD_SUMS = (
    "count(*) AS n, sum(user_key) AS u, sum(date_key) AS d, sum(time_key) AS t, sum(heart_rate) AS h,"
    " sum(previous_heart_rate) AS p, sum(max_heart_rate) AS x, sum(min_heart_rate) AS m, sum(avg_heart_rate) AS a,"
    " sum(longitude) AS l"
)
STEPS = {
    # step: (title, what is summed up, table or file that is made)
    "ingest_file": ("JSONL to table, one file", EVENT_SUMS, "pipeline.events"),
    "ingest_hourly": ("JSONL to table, hourly files", EVENT_SUMS, "pipeline.events"),
    "dedup": ("dedup as a table", EVENT_SUMS, "pipeline.silver"),
    "gold": ("gold fact with windows as a table", GOLD_SUMS, "pipeline.gold"),
    "csv_export": ("CSV export of the gold fact", GOLD_SUMS, "gold.csv"),
    "csv_import": ("CSV import of the gold fact", GOLD_SUMS, "pipeline.imported"),
}
GOLD_TYPES = "{" + ", ".join(f"'{name}': '{kind}'" for name, kind, *_ in GOLD) + "}"
JSON_DUCKDB = (
    "{user_id: 'INTEGER', heart_rate: 'SMALLINT', timestamp: 'BIGINT',"
    " meta: 'STRUCT(activity_id SMALLINT, location STRUCT(latitude DOUBLE, longitude DOUBLE))'}"
)
JSON_CLICKHOUSE = (
    "user_id UInt32, heart_rate Int16, timestamp Int64,"
    " meta Tuple(activity_id Int16, location Tuple(latitude Float64, longitude Float64))"
)


def memory_folder(data: Path) -> Path:
    """CSV files lie in memory where there is room for them: else the disk's rate would be all that is measured."""
    memory = Path("/dev/shm")
    needed = 12 * dataset.file_bytes(data / "pulsehouse" / "tables")
    return memory if memory.is_dir() and shutil.disk_usage(memory).free > needed else data


def step_body(step: str) -> str:
    """The SQL of a step, which is that of the project's models before they were built day by day."""
    lines = (Path(__file__).parent / "steps" / f"{step}.sql").read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if not line.startswith("--")).rstrip().removesuffix(";")


def statements(engine: str, step: str, paths: dict[str, str], work: Path, csv: Path) -> tuple[list[str], str]:
    """Returns the statements before the timed one, and the timed one."""
    made = STEPS[step][2]
    lake = paths["one"] if step == "ingest_file" else paths["hourly"]
    if engine == "pulsehouse":
        if step in ("dedup", "gold"):
            return [f"DROP TABLE IF EXISTS {made}"], f"CREATE TABLE {made} AS {step_body(step)}"
        if step == "csv_export":
            return [], f"COPY pipeline.gold TO '{csv}/{made}' (FORMAT csv, HEADER)"
        columns = ", ".join(f"{name} {kind.replace('DOUBLE', 'DOUBLE PRECISION')}" for name, kind, *_ in GOLD)
        return [f"DROP TABLE IF EXISTS {made}", f"CREATE TABLE {made} ({columns})"], (
            f"COPY {made} FROM '{paths['csv']}' (FORMAT csv, HEADER)")
    if engine == "duckdb":
        drop = [f"DROP TABLE IF EXISTS {made}", "CHECKPOINT"]
        if step.startswith("ingest"):
            return drop, (
                f"CREATE TABLE {made} AS SELECT user_id, heart_rate, timestamp, meta.activity_id AS activity_id,"
                " meta.location.latitude AS latitude, meta.location.longitude AS longitude"
                f" FROM read_json('{lake}', format = 'newline_delimited', columns = {JSON_DUCKDB})")
        if step == "dedup":
            return drop, (
                f"CREATE TABLE {made} AS SELECT user_id, activity_id, make_timestamp(timestamp * 1000000) AS event_ts,"
                " CAST(make_timestamp(timestamp * 1000000) AS DATE) AS event_date, any_value(heart_rate) AS heart_rate,"
                " any_value(latitude) AS latitude, any_value(longitude) AS longitude FROM bronze.heart_rate"
                " GROUP BY user_id, timestamp, activity_id")
        if step == "gold":
            return drop, f"CREATE TABLE {made} AS {step_body(step)}"
        if step == "csv_export":
            return [], f"COPY pipeline.gold TO '{csv}/{made}' (FORMAT csv, HEADER)"
        return drop, (
            f"CREATE TABLE {made} AS SELECT * FROM read_csv('{paths['csv']}', header = true, columns = {GOLD_TYPES})")
    if engine == "clickhouse":
        columns, key = {
            "pipeline.events": (BRONZE, "timestamp"),
            "pipeline.silver": (SILVER, "(user_id, event_ts)"),
            "pipeline.gold": (GOLD, "(user_key, event_ts)"),
            "pipeline.imported": (GOLD, "(user_key, event_ts)"),
        }.get(made, ([], ""))
        before = [
            f"DROP TABLE IF EXISTS {made} SYNC",
            f"CREATE TABLE {made} ({clickhouse_columns(columns)}) ENGINE MergeTree ORDER BY {key}",
        ]
        if step.startswith("ingest"):
            lake = lake.replace("/**/", "/*/*/*/*/")
            return before, (
                f"INSERT INTO {made} SELECT user_id, heart_rate, timestamp, meta.activity_id, meta.location.latitude,"
                f" meta.location.longitude FROM file('{lake}', JSONEachRow, '{JSON_CLICKHOUSE}')")
        if step == "dedup":
            return before, (
                f"INSERT INTO {made} SELECT user_id, activity_id, toDateTime(timestamp, 'UTC'),"
                " toDate(toDateTime(timestamp, 'UTC')), any(heart_rate), any(latitude), any(longitude)"
                " FROM bronze.heart_rate GROUP BY user_id, timestamp, activity_id")
        if step == "gold":
            return before, (
                f"INSERT INTO {made} SELECT u.user_key, a.activity_key, toYYYYMMDD(h.event_date),"
                " toHour(h.event_ts) * 100 + toMinute(h.event_ts), h.event_ts, h.heart_rate,"
                " lagInFrame(toNullable(h.heart_rate)) OVER (PARTITION BY h.user_id ORDER BY h.event_ts, h.activity_id"
                " ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING), max(h.heart_rate) OVER w,"
                " min(h.heart_rate) OVER w, avg(h.heart_rate) OVER w, h.latitude, h.longitude FROM silver.heart_rate h"
                " LEFT JOIN gold.dim_users u ON u.user_id = h.user_id"
                " LEFT JOIN gold.dim_activities a ON a.activity_id = h.activity_id"
                " WINDOW w AS (PARTITION BY h.user_id, h.activity_id, h.event_date)")
        if step == "csv_export":
            return [], f"SELECT * FROM pipeline.gold INTO OUTFILE '{csv}/{made}' TRUNCATE FORMAT CSVWithNames"
        return before, f"INSERT INTO {made} SELECT * FROM file('{paths['csv']}', CSVWithNames)"
    if engine == "datafusion":
        if step.startswith("ingest"):
            return [], (
                "COPY (SELECT user_id, heart_rate, \"timestamp\", meta['activity_id'] AS activity_id,"
                " meta['location']['latitude'] AS latitude, meta['location']['longitude'] AS longitude FROM lake)"
                f" TO '{work}/{made}.parquet' STORED AS PARQUET")
        if step == "dedup":
            return [], (
                "COPY (SELECT user_id, activity_id, to_timestamp_micros(\"timestamp\" * 1000000) AS event_ts,"
                " CAST(to_timestamp_micros(\"timestamp\" * 1000000) AS DATE) AS event_date,"
                " first_value(heart_rate) AS heart_rate, first_value(latitude) AS latitude,"
                " first_value(longitude) AS longitude FROM bronze.heart_rate"
                f" GROUP BY user_id, \"timestamp\", activity_id) TO '{work}/{made}.parquet' STORED AS PARQUET")
        if step == "gold":
            return [], f"COPY ({step_body(step)}) TO '{work}/{made}.parquet' STORED AS PARQUET"
        gold = [
            "DROP TABLE IF EXISTS gold_fact",
            f"CREATE EXTERNAL TABLE gold_fact STORED AS PARQUET LOCATION '{work}/pipeline.gold.parquet'",
        ]
        if step == "csv_export":
            return gold, (
                f"COPY (SELECT * FROM gold_fact) TO '{csv}/{made}' STORED AS CSV OPTIONS ('format.has_header' 'true')")
        columns = ", ".join(f"{name} {kind}" for name, kind, *_ in GOLD)
        return [
            "DROP TABLE IF EXISTS csv",
            f"CREATE EXTERNAL TABLE csv ({columns}) STORED AS CSV LOCATION '{paths['csv']}'"
            " OPTIONS ('format.has_header' 'true')",
        ], f"COPY (SELECT * FROM csv) TO '{work}/{made}.parquet' STORED AS PARQUET"
    raise ValueError(engine)


class Pipeline:
    def __init__(self, bench, threads: int) -> None:
        self.bench = bench
        self.threads = threads
        self.scratch = bench.scratch
        self.memory = Path(tempfile.mkdtemp(prefix="pulsehouse-bench-", dir=memory_folder(bench.data)))
        self.work = {engine: self.scratch / f"work-{engine}" for engine in bench.options.engines}
        self.csv = {engine: self.memory / engine for engine in bench.options.engines}
        for folder in [*self.work.values(), *self.csv.values()]:
            folder.mkdir(exist_ok=True)
        self.paths = {
            "one": str(bench.data / "one" / "lake" / "events.jsonl"),
            "hourly": str(bench.data / "pulsehouse" / "lake" / "**" / "*.jsonl"),
            "csv": str(self.memory / "import.csv"),
        }
        self.processes = {
            engine: start(engine, bench.data, threads, is_writing=True) for engine in bench.options.engines
        }
        if "pulsehouse" in self.processes:
            self.processes["pulsehouse"].run("CREATE SCHEMA IF NOT EXISTS pipeline")

    def run_step(self, step: str) -> list[str]:
        print(f"timing {step}, {self.threads} thread{'s' if self.threads > 1 else ''}", file=sys.stderr, flush=True)
        if step == "csv_import" and not Path(self.paths["csv"]).exists():
            export = processes.Pulsehouse(self.bench.data / "pulsehouse", 2)
            export.run(f"COPY ({step_body('gold')}) TO '{self.paths['csv']}' (FORMAT csv, HEADER)")
            export.close()
        runs = {engine: lambda e=engine: self.once(e, step) for engine in self.processes}
        try:
            times = self.bench.take_turns(runs, repeats=min(3, self.bench.options.repeats), first=False)
        except EngineError as error:
            return [f"{step}: {error}"]
        wrong = self.compare(step)
        if not wrong:
            for engine, values in times.items():
                self.bench.results.add("pipeline", STEPS[step][0], "", self.threads, engine, values)
            self.bench.results.save()
            self.bench.progress.add(self.bench.options.engines, "pipeline", step, str(self.threads))
        return wrong

    def once(self, engine: str, step: str) -> float:
        process = self.processes[engine]
        # What the engine before wrote goes to the disk first: none waits there on another's account. And what it pushed
        # out of the page cache comes back, so that all find as much of the lake there.
        os.sync()
        if step.startswith("ingest"):
            self.read_lake(step)
        if engine == "pulsehouse" and step.startswith("ingest"):
            return self.ingest(step)
        if engine == "polars":
            return process.call("step", step, self.paths, str(self.work[engine]), str(self.csv[engine]))
        before, timed = statements(engine, step, self.paths, self.work[engine], self.csv[engine])
        if engine == "datafusion" and step.startswith("ingest"):
            lake = self.paths["one" if step == "ingest_file" else "hourly"]
            process.call("read_lake", lake.replace("**/*.jsonl", ""))
        for folder in (self.work[engine], self.csv[engine]):
            for path in folder.glob(STEPS[step][2] + "*"):
                remove(path)
        try:
            for statement in before:
                process.run(statement) if engine in ("pulsehouse", "datafusion") else process.call("execute", statement)
            seconds = process.run(timed) if engine in ("pulsehouse", "datafusion") else process.call("timed", timed)
            # Its merges would be at work while another engine is timed.
            if engine == "clickhouse":
                process.call("settle")
            return seconds
        except EngineError as error:
            raise EngineError(f"{TITLES[engine]}: {error}") from None

    def read_lake(self, step: str) -> None:
        lake = self.bench.data / ("one" if step == "ingest_file" else "pulsehouse") / "lake"
        for path in sorted(lake.glob("**/*.jsonl")):
            with open(path, "rb", buffering=0) as file:
                while file.read(1 << 20):
                    pass

    def ingest(self, step: str) -> float:
        """A process of its own, on an empty warehouse; the time is what it reports itself."""
        folder = self.work["pulsehouse"] / "ingested"
        shutil.rmtree(folder, ignore_errors=True)
        lake = "one" if step == "ingest_file" else "pulsehouse"
        processors = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, processors[-self.threads:])
        try:
            said = processes.pulsehouse(
                folder, "ingest", "bronze.heart_rate", "--json", "--threads", str(self.threads),
                "--lake", str(self.bench.data / lake / "lake"))
        finally:
            os.sched_setaffinity(0, processors)
        return json.loads(said)[0]["seconds"]

    def compare(self, step: str) -> list[str]:
        _, sums, made = STEPS[step]
        given = {}
        for engine, process in self.processes.items():
            work = self.work[engine]
            if made.endswith(".csv"):
                given[engine] = self.sums_of_file(
                    f"read_csv('{self.csv[engine]}/{made}*', header = true, columns = {GOLD_TYPES}, nullstr = ['', '\\N'])", sums)
            elif engine in ("polars", "datafusion"):
                given[engine] = self.sums_of_file(f"read_parquet('{work}/{made}.parquet*')", sums)
            elif engine == "pulsehouse" and step.startswith("ingest"):
                ingested = processes.Pulsehouse(work / "ingested", 2)
                given[engine] = ingested.answer(f"SELECT {sums} FROM bronze.heart_rate", self.scratch)
                ingested.close()
            else:
                given[engine] = process.answer(f"SELECT {sums} FROM {made}", self.scratch)
        judge = "duckdb" if "duckdb" in given else next(iter(given))
        found = {engine: answers.difference(answer, given[judge]) for engine, answer in given.items()}
        return [f"{step}: {TITLES[engine]} and {TITLES[judge]} differ: {words}" for engine, words in found.items() if words]

    def sums_of_file(self, relation: str, sums: str):
        import duckdb

        with duckdb.connect() as connection:
            return connection.sql(f"SELECT {sums} FROM {relation}").to_arrow_table()

    def close(self) -> None:
        for engine, process in self.processes.items():
            for table in ("events", "silver", "gold", "imported"):
                if engine == "pulsehouse":
                    process.run(f"DROP TABLE IF EXISTS pipeline.{table}")
                elif engine in ("duckdb", "clickhouse"):
                    process.call("execute", f"DROP TABLE IF EXISTS pipeline.{table}")
            process.close()
        if "pulsehouse" in self.processes:
            processes.pulsehouse(self.bench.data / "pulsehouse", "gc", "--keep", "1")
        for folder in [*self.work.values(), self.memory]:
            shutil.rmtree(folder, ignore_errors=True)


def run(bench) -> list[str]:
    wanted = [step for step in STEPS if bench.wants(step)]
    wrong: list[str] = []
    if not wanted:
        return wrong
    if "ingest_file" in wanted and not (bench.data / ".one.done").exists():
        dataset.with_step(bench.data, "one", lambda words: print(words, file=sys.stderr), lambda: dataset.one_file(bench.data))
    # CSV export needs the fact to be there.
    steps = wanted if "csv_export" not in wanted or "gold" in wanted else ["gold", *wanted]
    for threads in bench.options.threads:
        if not any(bench.is_next("pipeline", step, str(threads)) for step in wanted):
            continue
        pipeline = Pipeline(bench, threads)
        try:
            for step in steps:
                # The fact is made again where its export is still to be timed.
                if bench.is_next("pipeline", step, str(threads)) or (
                    step == "gold" and bench.is_next("pipeline", "csv_export", str(threads))
                ):
                    wrong += pipeline.run_step(step)
        finally:
            pipeline.close()
    return wrong
