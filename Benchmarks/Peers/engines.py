"""The peers, each as its makers advise: its own storage, the narrowest types that hold the data, one process.

An engine answers `run` (the time from SQL text to the last row, which is kept in memory in the engine's own columnar
form until the time is taken), `answer` (the same rows as an Arrow table) and `execute` (statements without rows).
"""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import pyarrow

# (name, type in DuckDB and Parquet, type in ClickHouse, its codec: the smallest of those that scan fast, tried one by one)
BRONZE = [
    ("user_id", "INTEGER", "UInt32", "T64, LZ4"),
    ("heart_rate", "SMALLINT", "Int16", "T64, LZ4"),
    ("timestamp", "BIGINT", "Int64", "DoubleDelta, LZ4"),
    ("activity_id", "SMALLINT", "Int16", "T64, LZ4"),
    ("latitude", "DOUBLE", "Float64", "ZSTD(3)"),
    ("longitude", "DOUBLE", "Float64", "ZSTD(3)"),
]
SILVER = [
    ("user_id", "INTEGER", "UInt32", "Delta, LZ4"),
    ("activity_id", "SMALLINT", "Int16", "T64, LZ4"),
    ("event_ts", "TIMESTAMP", "DateTime('UTC')", "T64, LZ4"),
    ("event_date", "DATE", "Date", "Delta, LZ4"),
    ("heart_rate", "SMALLINT", "Int16", "T64, LZ4"),
    ("latitude", "DOUBLE", "Float64", "Delta, ZSTD(1)"),
    ("longitude", "DOUBLE", "Float64", "Delta, ZSTD(1)"),
]
USERS = [
    ("user_key", "INTEGER", "Int32", "LZ4"),
    ("user_id", "INTEGER", "UInt32", "LZ4"),
    ("country", "VARCHAR", "LowCardinality(String)", "LZ4"),
    ("address", "VARCHAR", "String", "ZSTD(3)"),
]
ACTIVITIES = [
    ("activity_key", "INTEGER", "Int32", "LZ4"),
    ("activity_id", "SMALLINT", "Int16", "LZ4"),
    ("activity_name", "VARCHAR", "LowCardinality(String)", "LZ4"),
]
GOLD = [
    ("user_key", "INTEGER", "Int32", "Delta, LZ4"),
    ("activity_key", "INTEGER", "Int32", "T64, LZ4"),
    ("date_key", "INTEGER", "Int32", "Delta, LZ4"),
    ("time_key", "INTEGER", "Int32", "T64, LZ4"),
    ("event_ts", "TIMESTAMP", "DateTime('UTC')", "T64, LZ4"),
    ("heart_rate", "SMALLINT", "Int16", "T64, LZ4"),
    ("previous_heart_rate", "SMALLINT", "Nullable(Int16)", "T64, LZ4"),
    ("max_heart_rate", "SMALLINT", "Int16", "T64, LZ4"),
    ("min_heart_rate", "SMALLINT", "Int16", "T64, LZ4"),
    ("avg_heart_rate", "DOUBLE", "Float64", "ZSTD(1)"),
    ("latitude", "DOUBLE", "Float64", "Delta, ZSTD(1)"),
    ("longitude", "DOUBLE", "Float64", "Delta, ZSTD(1)"),
]
TABLES = {
    "bronze.heart_rate": (BRONZE, '"timestamp"'),
    "silver.heart_rate": (SILVER, "(user_id, event_ts)"),
    "gold.dim_users": (USERS, "user_id"),
    "gold.dim_activities": (ACTIVITIES, "activity_id"),
}


def clickhouse_columns(columns: list, is_nullable: bool = False) -> str:
    def kind(name: str) -> str:
        if not is_nullable or "Nullable" in name:
            return name
        inner = name.removeprefix("LowCardinality(").removesuffix(")") if name.startswith("LowCardinality") else name
        return f"Nullable({inner})"

    return ", ".join(f'"{name}" {kind(theirs)} CODEC({codec})' for name, _, theirs, codec in columns)


class DuckDB:
    def __init__(self, folder: Path, threads: int, is_writing: bool = False) -> None:
        import duckdb

        folder.mkdir(parents=True, exist_ok=True)
        self.connection = duckdb.connect(
            str(folder / "duckdb.db"), read_only=not is_writing, config={"threads": str(threads)}
        )
        self.connection.execute("SET TimeZone = 'UTC'")

    def execute(self, sql: str) -> None:
        self.connection.execute(sql)

    def timed(self, sql: str) -> float:
        start = time.perf_counter()
        self.connection.execute(sql)
        return time.perf_counter() - start

    def run(self, sql: str) -> float:
        start = time.perf_counter()
        rows = self.connection.sql(sql).to_arrow_table()
        elapsed = time.perf_counter() - start
        del rows
        return elapsed

    def answer(self, sql: str) -> pyarrow.Table:
        return self.connection.sql(sql).to_arrow_table()

    def load(self, csv: str, is_nullable: bool) -> None:
        for schema in ("bronze", "silver", "gold", "pipeline"):
            self.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        for table, (columns, _) in TABLES.items():
            types = "{" + ", ".join(f"'{name}': '{kind}'" for name, kind, *_ in columns) + "}"
            self.execute(
                f"CREATE OR REPLACE TABLE {table} AS SELECT * FROM read_csv('{csv}/{table}.csv', header = true,"
                f" columns = {types}, nullstr = '')"
            )
        self.execute("CHECKPOINT")

    def write_parquet(self, to: str) -> None:
        """Writes the files that Polars and DataFusion read: zstd, row groups of 128k rows with statistics."""
        folder = Path(to)
        folder.mkdir(parents=True, exist_ok=True)
        for table in TABLES:
            self.execute(
                f"COPY {table} TO '{folder}/{table}.parquet' (FORMAT parquet, COMPRESSION zstd,"
                " ROW_GROUP_SIZE 131072)"
            )


class ClickHouse:
    def __init__(self, folder: Path, threads: int, is_writing: bool = False) -> None:
        from chdb import session

        self.session = session.Session(str(folder / "clickhouse"))
        self.execute(f"SET max_threads = {threads}")
        self.execute(f"SET max_insert_threads = {threads}")

    def execute(self, sql: str) -> None:
        self.session.query(sql)

    def timed(self, sql: str) -> float:
        start = time.perf_counter()
        self.session.query(sql)
        return time.perf_counter() - start

    def run(self, sql: str) -> float:
        start = time.perf_counter()
        rows = self.session.query(sql, "Native")
        elapsed = time.perf_counter() - start
        if rows.has_error():
            raise RuntimeError(rows.error_message())
        return elapsed

    def answer(self, sql: str) -> pyarrow.Table:
        return self.session.query(sql, "ArrowTable")

    def load(self, parquet: str, is_nullable: bool) -> None:
        for schema in ("bronze", "silver", "gold", "pipeline"):
            self.execute(f"CREATE DATABASE IF NOT EXISTS {schema}")
        for table, (columns, key) in TABLES.items():
            self.execute(f"DROP TABLE IF EXISTS {table} SYNC")
            self.execute(
                f"CREATE TABLE {table} ({clickhouse_columns(columns, is_nullable)}) ENGINE MergeTree ORDER BY {key}"
                " SETTINGS allow_nullable_key = 1"
            )
            self.execute(
                f"INSERT INTO {table} SELECT * FROM file('{parquet}/{table}.parquet', Parquet)"
                " SETTINGS session_timezone = 'UTC'"
            )
            self.execute(f"OPTIMIZE TABLE {table} FINAL")

    def settle(self) -> None:
        """Waits until nothing is merged in the background."""
        while int(self.answer("SELECT count() AS n FROM system.merges").column(0)[0].as_py()) > 0:
            time.sleep(0.05)

    def byte_count(self, table: str) -> int:
        database, name = table.split(".")
        answer = self.answer(
            "SELECT sum(data_compressed_bytes) AS n FROM system.parts"
            f" WHERE active AND database = '{database}' AND table = '{name}'"
        )
        return int(answer.column(0)[0].as_py())


class Polars:
    def __init__(self, folder: Path, threads: int, is_writing: bool = False) -> None:
        import polars

        if polars.thread_pool_size() != threads:
            raise SystemExit(f"Polars has {polars.thread_pool_size()} threads, not {threads}")
        self.polars = polars
        self.folder = folder
        parquet = folder / "parquet"
        self.context = polars.SQLContext(
            {table.replace(".", "_"): polars.scan_parquet(parquet / f"{table}.parquet") for table in TABLES}
        )

    def lazy(self, sql: str):
        # Its SQL has no schemas.
        for table in TABLES:
            sql = sql.replace(table, table.replace(".", "_"))
        return self.context.execute(sql)

    def run(self, sql: str) -> float:
        start = time.perf_counter()
        rows = self.lazy(sql).collect(engine="streaming")
        elapsed = time.perf_counter() - start
        del rows
        return elapsed

    def step(self, step: str, paths: dict[str, str], work: str, csv: str) -> float:
        """Runs a step of the pipeline (see pipeline.py) into Parquet, or CSV."""
        pl = self.polars
        parquet, own = self.folder / "parquet", Path(work)

        def write(frame, name: str) -> None:
            frame.sink_parquet(own / f"{name}.parquet", compression="zstd")

        start = time.perf_counter()
        if step.startswith("ingest"):
            place = pl.Struct({"latitude": pl.Float64, "longitude": pl.Float64})
            schema = {
                "user_id": pl.Int64, "heart_rate": pl.Int64, "timestamp": pl.Int64,
                "meta": pl.Struct({"activity_id": pl.Int64, "location": place}),
            }
            meta = pl.col("meta").struct
            location = meta.field("location").struct
            lines = pl.scan_ndjson(paths["one" if step == "ingest_file" else "hourly"], schema=schema)
            write(
                lines.select(
                    pl.col("user_id").cast(pl.Int32), pl.col("heart_rate").cast(pl.Int16), "timestamp",
                    meta.field("activity_id").cast(pl.Int16), location.field("latitude"),
                    location.field("longitude")),
                "pipeline.events")
        elif step == "dedup":
            event_ts = pl.from_epoch("timestamp", time_unit="s").cast(pl.Datetime("us"))
            events = pl.scan_parquet(parquet / "bronze.heart_rate.parquet")
            write(
                events.unique(subset=["user_id", "timestamp", "activity_id"], keep="any").select(
                    "user_id", "activity_id", event_ts.alias("event_ts"), event_ts.cast(pl.Date).alias("event_date"),
                    "heart_rate", "latitude", "longitude"),
                "pipeline.silver")
        elif step == "gold":
            rate, day = pl.col("heart_rate"), ["user_id", "activity_id", "event_date"]
            date, stamp = pl.col("event_date").dt, pl.col("event_ts").dt
            write(
                pl.scan_parquet(parquet / "silver.heart_rate.parquet")
                .join(pl.scan_parquet(parquet / "gold.dim_users.parquet"), on="user_id", how="left")
                .join(pl.scan_parquet(parquet / "gold.dim_activities.parquet"), on="activity_id", how="left")
                .select(
                    "user_key", "activity_key",
                    (date.year() * 10000 + date.month().cast(pl.Int32) * 100 + date.day()).alias("date_key"),
                    (stamp.hour().cast(pl.Int32) * 100 + stamp.minute()).alias("time_key"), "event_ts", "heart_rate",
                    rate.shift(1).over("user_id", order_by=["event_ts", "activity_id"]).alias("previous_heart_rate"),
                    rate.max().over(day).alias("max_heart_rate"), rate.min().over(day).alias("min_heart_rate"),
                    rate.mean().over(day).alias("avg_heart_rate"), "latitude", "longitude"),
                "pipeline.gold")
        elif step == "csv_export":
            pl.scan_parquet(own / "pipeline.gold.parquet").sink_csv(Path(csv) / "gold.csv")
        else:
            types = {"INTEGER": pl.Int32, "SMALLINT": pl.Int16, "DOUBLE": pl.Float64, "TIMESTAMP": pl.Datetime("us")}
            schema = {name: types[kind] for name, kind, *_ in GOLD}
            write(pl.scan_csv(paths["csv"], schema=schema), "pipeline.imported")
        return time.perf_counter() - start

    def answer(self, sql: str) -> pyarrow.Table:
        return self.lazy(sql).collect(engine="streaming").to_arrow()


class DataFusion:
    def __init__(self, folder: Path, threads: int, is_writing: bool = False) -> None:
        from datafusion import SessionConfig, SessionContext

        config = SessionConfig().with_target_partitions(threads)
        config = config.set("datafusion.execution.parquet.pushdown_filters", "true")
        config = config.set("datafusion.execution.listing_table_ignore_subdirectory", "false")
        self.context = SessionContext(config)
        for table in TABLES:
            self.context.sql(f"CREATE SCHEMA IF NOT EXISTS {table.split('.')[0]}").collect()
            self.context.sql(
                f"CREATE EXTERNAL TABLE {table} STORED AS PARQUET LOCATION '{folder}/parquet/{table}.parquet'"
            ).collect()

    def read_lake(self, place: str) -> None:
        """Makes the lines of a file or folder the table `lake`."""
        whole, part = pyarrow.int64(), pyarrow.float64()
        location = pyarrow.struct([("latitude", part), ("longitude", part)])
        meta = pyarrow.struct([("activity_id", pyarrow.int16()), ("location", location)])
        schema = pyarrow.schema(
            [("user_id", pyarrow.int32()), ("heart_rate", pyarrow.int16()), ("timestamp", whole), ("meta", meta)])
        self.context.deregister_table("lake")
        self.context.register_json("lake", place, schema=schema, file_extension=".jsonl")

    def run(self, sql: str) -> float:
        start = time.perf_counter()
        rows = self.context.sql(sql).collect()
        elapsed = time.perf_counter() - start
        del rows
        return elapsed

    def answer(self, sql: str) -> pyarrow.Table:
        return self.context.sql(sql).to_arrow_table()


ENGINES = {"duckdb": DuckDB, "clickhouse": ClickHouse, "polars": Polars, "datafusion": DataFusion}
TITLES = {
    "pulsehouse": "Pulsehouse", "duckdb": "DuckDB", "clickhouse": "ClickHouse", "polars": "Polars",
    "datafusion": "DataFusion",
}


def remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    elif path.exists():
        os.remove(path)
