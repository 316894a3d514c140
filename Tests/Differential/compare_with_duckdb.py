"""Holds pulsehouse's bronze, silver and gold against DuckDB: the same lake, the same seeds, the same SQL files.

DuckDB reads the generated files with its own readers and runs the bodies of the MODEL files; then every table is
compared, without regard to order and with regard to how often a row occurs. Integers, text, dates and doubles must be equal
to the last bit: the doubles are copied, or averages of whole numbers, whose sums are exact in any order.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

import duckdb
import sqlglot

from program import PROJECT, pulsehouse
from warehouse_project import load_models, load_queries

def to_duckdb(sql: str) -> str:
    # A NUMERIC without digits keeps all of them in PostgreSQL, and three decimals in DuckDB.
    return sqlglot.transpile(sql.replace("AS NUMERIC)", "AS DECIMAL(38, 12))"), read="postgres", write="duckdb")[0]


def build_in_duckdb(data: Path) -> tuple[duckdb.DuckDBPyConnection, int]:
    """Returns a connection with all tables built, and the number of lines DuckDB could take."""
    peer = duckdb.connect()
    peer.execute("SET TimeZone = 'UTC'")
    for schema in ("bronze", "silver", "gold", "ours"):
        peer.execute(f"CREATE SCHEMA {schema}")
    # Line by line as text first: read_json takes the line after one that ends in a colon for its value. Lines that are no
    # UTF-8 are left out by the reader, those that are no JSON or whose numbers do not fit by the conditions.
    peer.execute(
        f"""
        CREATE TABLE bronze.heart_rate AS
        WITH lines AS (
          SELECT line, filename FROM read_csv('{data}/lake/**/*.jsonl', columns = {{line: 'VARCHAR'}}, filename = true,
            auto_detect = false, header = false, delim = '\x01', quote = '', escape = '', ignore_errors = true)
        ), objects AS (
          SELECT line::JSON AS event, filename FROM lines WHERE json_valid(line)
        ), typed AS (
          SELECT TRY_CAST((event->>'user_id') AS BIGINT) AS user_id,
            TRY_CAST((event->>'heart_rate') AS INTEGER) AS heart_rate,
            TRY_CAST((event->>'timestamp') AS BIGINT) AS timestamp,
            TRY_CAST((event->>'$.meta.activity_id') AS BIGINT) AS activity_id,
            TRY_CAST((event->>'$.meta.location.latitude') AS DOUBLE) AS latitude,
            TRY_CAST((event->>'$.meta.location.longitude') AS DOUBLE) AS longitude,
            event, filename
          FROM objects
        )
        SELECT user_id, heart_rate, timestamp, activity_id, latitude, longitude,
          filename AS _file, row_number() OVER () AS _line,
          -- Some order of delivery: what is delivered twice is the same line.
          row_number() OVER () AS _offset
        FROM typed
        WHERE (user_id IS NOT NULL OR json_extract(event, '$.user_id') IS NULL) AND heart_rate IS NOT NULL AND timestamp IS NOT NULL
          AND activity_id IS NOT NULL AND latitude IS NOT NULL AND longitude IS NOT NULL
        """
    )
    taken = peer.execute("SELECT count(*) FROM bronze.heart_rate").fetchone()[0]
    for table in ("users", "activities"):
        peer.execute(
            f"""
            CREATE TABLE bronze.{table} AS
            SELECT *, '{table}.csv' AS _file, row_number() OVER () AS _line
            FROM read_csv('{data}/seeds/{table}.csv', header = true, types = {{'last_update': 'VARCHAR'}})
            """
        )
    for model in load_models(PROJECT):
        peer.execute(f"CREATE TABLE {model.name} AS {to_duckdb(model.statement())}")
    return peer, taken


def compare(peer: duckdb.DuckDBPyConnection, name: str, theirs: str, columns: list[str], csv: Path) -> list[str]:
    """Compares a file of ours with a relation of theirs; returns what is wrong."""
    # The relation's own types read the text back: every digit of ours counts.
    described = peer.execute(f"DESCRIBE SELECT {', '.join(columns)} FROM {theirs}").fetchall()
    types = ", ".join(f"'{row[0]}': '{row[1]}'" for row in described)
    header = csv.read_text(encoding="utf-8").split("\n", 1)[0]
    if header.split(",") != columns:
        return [f"{name}: the columns are {header}, and {','.join(columns)} at DuckDB"]
    peer.execute(
        f"""
        CREATE OR REPLACE TABLE ours.compared AS
        SELECT * FROM read_csv('{csv}', header = true, columns = {{{types}}}, nullstr = '', allow_quoted_nulls = false,
          quote = '"', escape = '"', delim = ',')
        """
    )
    listed = ", ".join(columns)
    wrong = []
    for words, first, second in (
        ("only in pulsehouse", "ours.compared", theirs),
        ("only in DuckDB", theirs, "ours.compared"),
    ):
        rows = peer.execute(
            f"SELECT {listed} FROM {first} EXCEPT ALL SELECT {listed} FROM {second} ORDER BY ALL"
        ).fetchall()
        if rows:
            wrong.append(f"{name}: {len(rows)} rows {words}, the first: {rows[0]}")
    if not wrong:
        count = peer.execute("SELECT count(*) FROM ours.compared").fetchone()[0]
        print(f"  {name}: {count} equal rows")
    return wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", default="200000")
    parser.add_argument("--seed", default="7")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory(prefix="pulsehouse-differential-") as folder:
        data = Path(folder) / "data"
        shares = ["--duplicates", "3%", "--late", "1%", "--malformed", "1%"]
        made = json.loads(
            pulsehouse(data, "generate", "--json", "--events", options.events, "--seed", options.seed, *shares)
        )
        pulsehouse(data, "ingest")
        pulsehouse(data, "run")
        peer, taken = build_in_duckdb(data)

        wrong = []
        if made["events"] - taken != made["quarantined"]:
            wrong.append(f"{made['quarantined']} lines were broken on purpose, DuckDB finds {made['events'] - taken}")
        csv = Path(folder) / "ours.csv"
        tables = [
            ("bronze.heart_rate", ["user_id", "heart_rate", "timestamp", "activity_id", "latitude", "longitude"]),
            ("bronze.users", None),
            ("bronze.activities", None),
        ] + [(model.name, None) for model in load_models(PROJECT)]
        for name, columns in tables:
            if columns is None:
                described = peer.execute(f"DESCRIBE SELECT * FROM {name}").fetchall()
                columns = [row[0] for row in described if not row[0].startswith("_")]
            csv.write_text(
                pulsehouse(data, "sql", "--mode", "csv", "-c", f"SELECT {', '.join(columns)} FROM {name}"),
                encoding="utf-8",
            )
            wrong += compare(peer, name, name, columns, csv)
        for name, query in load_queries(PROJECT).items():
            peer.execute(f"CREATE OR REPLACE TABLE ours.answer AS {to_duckdb(query)}")
            columns = [row[0] for row in peer.execute("DESCRIBE ours.answer").fetchall()]
            csv.write_text(pulsehouse(data, "sql", "--mode", "csv", "-c", query), encoding="utf-8")
            wrong += compare(peer, f"query {name}", "ours.answer", columns, csv)

    for line in wrong:
        print(f"  WRONG {line}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
