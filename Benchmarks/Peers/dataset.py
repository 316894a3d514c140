"""Prepares the data of one size: simulated events, ingested and modelled by Pulsehouse, and the same rows in each peer.

A data folder holds
  pulsehouse/   the lake (a file for each hour of two years, or of 60 days), seeds, and Pulsehouse's own tables
  one/lake/     the same lines in one file
  peers/        duckdb.db, clickhouse/, parquet/
  holes/        a small data set in which NULLs and negative numbers are frequent, for the comparison of answers alone
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from engines import TABLES, remove
from processes import PROJECT, Peer, Pulsehouse, pulsehouse
from queries import Constants

SPAN = ["--continuous", "--start", "2024-01-01", "--malformed", "0", "--days"]
DAYS = "730"
# Of the small data sets.
FEW_DAYS = "60"
EXPORTS = {
    "bronze.heart_rate": "SELECT user_id, heart_rate, timestamp, activity_id, latitude, longitude FROM bronze.heart_rate",
    "silver.heart_rate": "SELECT user_id, activity_id, event_ts, event_date, heart_rate, latitude, longitude"
    " FROM silver.heart_rate",
    "gold.dim_users": "SELECT user_key, user_id, country, address FROM gold.dim_users",
    "gold.dim_activities": "SELECT activity_key, activity_id, activity_name FROM gold.dim_activities",
}
HOLE_EVENTS = "100k"


def prepare(data: Path, events: str, say, days: str = DAYS) -> None:
    """Makes whatever is missing in the data folder."""
    data.mkdir(parents=True, exist_ok=True)
    home = data / "pulsehouse"
    with_step(data, "generate", say, lambda: generate(home, events, days))
    with_step(data, "tables", say, lambda: make_tables(home))
    with_step(data, "peers", say, lambda: load_peers(home, data / "peers", is_nullable=False))
    with_step(data, "holes", say, lambda: make_holes(data / "holes"))


def with_step(data: Path, name: str, say, work) -> None:
    done = data / f".{name}.done"
    if not done.exists():
        say(f"preparing {data}: {name}")
        work()
        done.touch()


def make_tables(home: Path) -> None:
    """Bronze to gold; then silver is laid by user and time, as the peers lay it, where the project lays it by time."""
    pulsehouse(home, "ingest")
    pulsehouse(home, "run")
    pulsehouse(home, "sql", "-c", "ALTER TABLE silver.heart_rate RENAME TO heart_rate_by_time", "-c",
        "CREATE TABLE silver.heart_rate AS SELECT * FROM silver.heart_rate_by_time ORDER BY user_id, event_ts", "-c",
        "DROP TABLE silver.heart_rate_by_time")


def generate(home: Path, events: str, days: str) -> None:
    pulsehouse(home, "generate", "--events", events, "--replace", *SPAN, days)
    # The generator writes a file for each partition of an hour; a lake of hourly files has one.
    for hour in sorted(home.glob("lake/*/*/*/*")):
        parts = sorted(hour.iterdir())
        with open(hour / "events.jsonl", "wb") as output:
            for part in parts:
                output.write(part.read_bytes())
                part.unlink()


def one_file(data: Path) -> None:
    lake = data / "one" / "lake"
    lake.mkdir(parents=True, exist_ok=True)
    with open(lake / "events.jsonl", "wb") as output:
        for path in sorted((data / "pulsehouse" / "lake").glob("*/*/*/*/*.jsonl")):
            with open(path, "rb") as part:
                shutil.copyfileobj(part, output, 1 << 20)


def export(home: Path, csv: Path, queries: dict[str, str]) -> None:
    csv.mkdir(parents=True, exist_ok=True)
    for table, query in queries.items():
        pulsehouse(home, "export", "--query", query, "--file", str(csv / f"{table}.csv"))


def load_peers(home: Path, peers: Path, is_nullable: bool, csv: Path | None = None) -> None:
    own = csv is None
    csv = csv or peers / "csv"
    if own:
        export(home, csv, EXPORTS)
    duckdb = Peer("duckdb", peers, 2, is_writing=True)
    duckdb.call("load", str(csv), is_nullable)
    duckdb.call("write_parquet", str(peers / "parquet"))
    duckdb.close()
    clickhouse = Peer("clickhouse", peers, 2, is_writing=True)
    clickhouse.call("load", str(peers / "parquet"), is_nullable)
    clickhouse.close()
    if own:
        shutil.rmtree(csv)


def make_holes(holes: Path) -> None:
    """Every thirtieth or so of each value is NULL, every fortieth heart rate negative."""
    shutil.rmtree(holes, ignore_errors=True)
    source = holes / "source"
    pulsehouse(source, "generate", "--events", HOLE_EVENTS, *SPAN, FEW_DAYS)
    make_tables(source)

    def hole(column: str, modulus: int, key: str = "timestamp") -> str:
        return f"CASE WHEN {key} % {modulus} = 0 THEN NULL ELSE {column} END AS {column}"

    rate = "CASE WHEN {0} % 29 = 0 THEN NULL WHEN {0} % 41 = 0 THEN -heart_rate ELSE heart_rate END AS heart_rate"
    second = "CAST(extract(epoch FROM event_ts) AS bigint)"
    csv = holes / "csv"
    export(source, csv, {
        "bronze.heart_rate": f"SELECT {hole('user_id', 31)}, {rate.format('timestamp')}, timestamp,"
        f" {hole('activity_id', 37)}, {hole('latitude', 23)}, {hole('longitude', 19)} FROM bronze.heart_rate",
        "silver.heart_rate": f"SELECT {hole('user_id', 31, second)}, {hole('activity_id', 37, second)}, event_ts,"
        f" event_date, {rate.format(second)}, {hole('latitude', 23, second)}, {hole('longitude', 19, second)}"
        " FROM silver.heart_rate",
        "gold.dim_users": f"SELECT user_key, user_id, {hole('country', 11, 'user_key')}, {hole('address', 13, 'user_key')}"
        " FROM gold.dim_users",
        "gold.dim_activities": EXPORTS["gold.dim_activities"],
    })
    home = holes / "pulsehouse"
    engine = Pulsehouse(home, 2)
    types = {
        "bronze.heart_rate": "user_id bigint, heart_rate integer, timestamp bigint, activity_id bigint,"
        " latitude double precision, longitude double precision",
        "silver.heart_rate": "user_id bigint, activity_id bigint, event_ts timestamp, event_date date,"
        " heart_rate integer, latitude double precision, longitude double precision",
        "gold.dim_users": "user_key integer, user_id bigint, country text, address text",
        "gold.dim_activities": "activity_key integer, activity_id bigint, activity_name text",
    }
    for schema in ("bronze", "silver", "gold"):
        engine.run(f"CREATE SCHEMA IF NOT EXISTS {schema}")
    for table in TABLES:
        engine.run(f"CREATE TABLE {table} ({types[table]})")
        engine.run(f"COPY {table} FROM '{csv}/{table}.csv' (FORMAT csv, HEADER)")
    engine.close()
    load_peers(home, holes / "peers", is_nullable=True, csv=csv)
    shutil.rmtree(source)
    shutil.rmtree(csv)


def constants(folder: Path, scratch: Path) -> Constants:
    """Picks a user and a day that the data has: the median day, and the most frequent user of it."""
    engine = Pulsehouse(folder / "pulsehouse", 1)
    days = engine.answer(
        "SELECT event_date, count(*) AS n, CAST(extract(epoch FROM event_date) AS bigint) AS start"
        " FROM silver.heart_rate GROUP BY event_date ORDER BY event_date", scratch)
    day = days.slice(days.num_rows // 2, 1).to_pylist()[0]
    users = engine.answer(
        f"SELECT user_id, count(*) AS n FROM silver.heart_rate WHERE event_date = DATE '{day['event_date']}'"
        " AND user_id IS NOT NULL GROUP BY user_id ORDER BY n DESC, user_id LIMIT 1", scratch)
    engine.close()
    return Constants(user=users.to_pylist()[0]["user_id"], day=str(day["event_date"]), day_start=day["start"])


def file_bytes(path: Path) -> int:
    if path.is_file():
        return path.stat().st_size
    return sum(os.stat(os.path.join(folder, name)).st_size for folder, _, names in os.walk(path) for name in names)


def storage(data: Path, scratch: Path) -> list[tuple[str, str, float]]:
    """Returns (order, engine, bytes a row) of the event table; Pulsehouse's also without what only it stores."""
    result = []
    ours = Pulsehouse(data / "pulsehouse", 2)
    clickhouse = Peer("clickhouse", data / "peers", 2, is_writing=False)
    for order, table in (("arrival", "bronze.heart_rate"), ("clustered", "silver.heart_rate")):
        schema, name = table.split(".")
        rows = ours.answer(f"SELECT count(*) AS n FROM {table}", scratch).to_pylist()[0]["n"]
        of_columns = ours.answer(
            "SELECT column_name, byte_count FROM sys.column_storage"
            f" WHERE table_schema = '{schema}' AND table_name = '{name}'", scratch).to_pylist()
        shared = {column for column, *_ in TABLES[table][0]}
        result.append((order, "pulsehouse", sum(c["byte_count"] for c in of_columns if c["column_name"] in shared) / rows))
        result.append((order, "pulsehouse with lineage", sum(c["byte_count"] for c in of_columns) / rows))
        result.append((order, "clickhouse", clickhouse.call("byte_count", table) / rows))
        parquet = file_bytes(data / "peers" / "parquet" / f"{table}.parquet") / rows
        result += [(order, "polars", parquet), (order, "datafusion", parquet)]
        result.append((order, "duckdb", duckdb_bytes(data / "peers" / "duckdb.db", table, scratch) / rows))
    ours.close()
    clickhouse.close()
    return result


def duckdb_bytes(database: Path, table: str, scratch: Path) -> int:
    """Returns the size of a database file that holds nothing but the table."""
    import duckdb

    alone = scratch / "alone.db"
    remove(alone)
    with duckdb.connect(str(alone)) as connection:
        connection.execute(f"ATTACH '{database}' AS source (READ_ONLY)")
        connection.execute(f"CREATE TABLE events AS SELECT * FROM source.{table}")
    size = file_bytes(alone)
    remove(alone)
    return size
