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

LAKE_COLUMNS = (
    "{user_id: 'BIGINT', heart_rate: 'INTEGER', timestamp: 'BIGINT', "
    "meta: 'STRUCT(activity_id BIGINT, location STRUCT(latitude DOUBLE, longitude DOUBLE))'}"
)


def to_duckdb(sql: str) -> str:
    # A NUMERIC without digits keeps all of them in PostgreSQL, and three decimals in DuckDB.
    return sqlglot.transpile(sql.replace("AS NUMERIC)", "AS DECIMAL(38, 12))"), read="postgres", write="duckdb")[0]


def build_in_duckdb(data: Path) -> tuple[duckdb.DuckDBPyConnection, int]:
    """Returns a connection with all tables built, and the number of lines DuckDB could not take."""
    peer = duckdb.connect()
    peer.execute("SET TimeZone = 'UTC'")
    for schema in ("bronze", "silver", "gold", "ours"):
        peer.execute(f"CREATE SCHEMA {schema}")
    # A line that is no JSON, or whose number does not fit its type, leaves nulls in a column that is never null.
    peer.execute(
        f"""
        CREATE TABLE bronze.lines AS
        SELECT * FROM read_json('{data}/lake/**/*.jsonl', format = 'newline_delimited', ignore_errors = true,
          filename = true, columns = {LAKE_COLUMNS})
        """
    )
    readable = "heart_rate IS NOT NULL AND timestamp IS NOT NULL AND meta IS NOT NULL"
    peer.execute(
        f"""
        CREATE TABLE bronze.heart_rate AS
        SELECT user_id, heart_rate, timestamp, meta.activity_id AS activity_id,
          meta.location.latitude AS latitude, meta.location.longitude AS longitude,
          filename AS _file, row_number() OVER () AS _line
        FROM bronze.lines WHERE {readable}
        """
    )
    unreadable = peer.execute(f"SELECT count(*) FROM bronze.lines WHERE NOT ({readable})").fetchone()[0]
    for table in ("users", "activities"):
        peer.execute(
            f"""
            CREATE TABLE bronze.{table} AS
            SELECT *, '{table}.csv' AS _file, row_number() OVER () AS _line
            FROM read_csv('{data}/seeds/{table}.csv', header = true, types = {{'last_update': 'VARCHAR'}})
            """
        )
    for model in load_models(PROJECT):
        peer.execute(f"CREATE TABLE {model.name} AS {to_duckdb(model.body)}")
    return peer, unreadable


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
        peer, unreadable = build_in_duckdb(data)

        wrong = []
        if unreadable != made["quarantined"]:
            wrong.append(f"{made['quarantined']} lines were broken on purpose, DuckDB finds {unreadable}")
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
