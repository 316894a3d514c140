"""Asks PostgreSQL 15 and pulsehouse the same random queries over the same random tables and holds the answers together.

PostgreSQL's answers are written as sqllogictest scripts, which the script runner then runs. Prints the seed and the
failures, the smallest first.

usage: compare_with_postgres.py [--queries N] [--seed N] [--threads N] [--keep FOLDER]
"""

from __future__ import annotations

import argparse
import difflib
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg2

from differences import allowed
from postgres_server import PostgresServer
from program import REPOSITORY
from random_queries import QueryGenerator
from random_tables import tables

RUNNER = os.environ.get("SQL_LOGIC_RUNNER") or str(REPOSITORY / ".build/release/SQLLogicRunner")
QUERIES_A_SCRIPT = 500


def cell(text: str | None) -> str:
    if text is None:
        return "NULL"
    return text.replace("\n", "\\n") if text else "(empty)"


def script(connection, seed: int, count: int) -> tuple[str, dict[str, int]]:
    """Returns a script with PostgreSQL's answers, and how many queries it refused, by SQLSTATE."""
    generator = QueryGenerator(seed)
    cursor = connection.cursor()
    cursor.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    parts: list[str] = []
    for statement in tables(random.Random(seed)):
        cursor.execute(statement)
        parts.append(f"statement ok\n{statement}\n")
    cursor.execute("SET statement_timeout = '4s'")
    refused: dict[str, int] = {}
    made = 0
    while made < count:
        text, width, ordered = generator.next()
        try:
            cursor.execute(text)
            rows = cursor.fetchall()
        except psycopg2.Error as error:
            state = error.pgcode or "?"
            refused[state] = refused.get(state, 0) + 1
            # What cannot be computed is refused by both, where no row decides what is computed.
            if " FROM " not in text and state.startswith("22"):
                made += 1
                parts.append(f"statement error {state}\n{text}\n")
            continue
        made += 1
        if len(rows) > 3000:
            continue
        lines = ["\t".join(cell(value) for value in row) for row in rows]
        # A line of nothing but spaces ends a record of the format.
        if not all(line.strip() for line in lines):
            continue
        parts.append(f"query {'T' * width} {'nosort' if ordered else 'rowsort'}\n{text}\n----\n" + "\n".join(lines) + "\n")
    return "\n".join(parts), refused


def fixed_script(connection) -> str:
    """Returns a script of the queries of fixed_queries.sql with PostgreSQL's answers, errors included."""
    cursor = connection.cursor()
    parts: list[str] = []
    for text in (Path(__file__).parent / "fixed_queries.sql").read_text().splitlines():
        try:
            cursor.execute(text)
            rows = cursor.fetchall()
        except psycopg2.Error as error:
            parts.append(f"statement error {error.pgcode}\n{text}\n")
            continue
        lines = ["\t".join(cell(value) for value in row) for row in rows]
        # A line of nothing but spaces ends a record of the format.
        if not all(line.strip() for line in lines):
            continue
        parts.append(f"query {'T' * len(cursor.description)} rowsort\n{text}\n----\n" + "\n".join(lines) + "\n")
    return "\n".join(parts)


def failures(output: str) -> list[tuple[str, str]]:
    """Returns the failing queries of the runner's output, each with what it says."""
    result = []
    for block in output.split("  FAILED ")[1:]:
        lines = block.split("\n")
        end = lines.index("expected:")
        result.append(("\n".join(lines[1:end]), block))
    return result


def shortened(block: str) -> str:
    """Returns a failure with only the lines that differ."""
    head, _, rest = block.partition("\nexpected:\n")
    expected, _, found = rest.partition("\nfound:\n")
    ours, theirs = found.strip().split("\n"), expected.strip().split("\n")
    lines = [line for line in difflib.unified_diff(sorted(theirs), sorted(ours), lineterm="", n=0) if line[:2] not in ("--", "++", "@@")]
    if not lines:
        lines = ["the same rows in another order"]
    return head + "\n  " + "\n  ".join(lines[:12]) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--queries", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 30))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    folder = options.keep or Path(tempfile.mkdtemp(prefix="pulsehouse-differential-"))
    folder.mkdir(exist_ok=True)
    paths: list[str] = []
    refused: dict[str, int] = {}
    with PostgresServer() as server:
        connection = server.connect()
        for index in range(0, options.queries, QUERIES_A_SCRIPT):
            seed = options.seed + index // QUERIES_A_SCRIPT
            text, states = script(connection, seed, min(QUERIES_A_SCRIPT, options.queries - index))
            path = folder / f"seed-{seed}.slt"
            path.write_text(text)
            paths.append(str(path))
            for state, number in states.items():
                refused[state] = refused.get(state, 0) + number
        path = folder / "fixed.slt"
        path.write_text(fixed_script(connection))
        paths.append(str(path))
        connection.close()
    run = subprocess.run(
        [RUNNER, "--verbose", "--set", f"threads = {options.threads}", *paths], capture_output=True, text=True, check=False
    )
    if run.returncode not in (0, 1):
        print(run.stdout[-5000:], run.stderr[-5000:])
        return 1
    found = [(sql, words) for sql, words in failures(run.stdout) if not allowed(sql, words)]
    total = run.stdout.strip().split("\n")[-1]
    print(f"seed {options.seed}: {total}; PostgreSQL refused {sum(refused.values())} more")
    for _, words in sorted(found, key=lambda failure: len(failure[0]))[: int(os.environ.get("SHOW", "5"))]:
        print(shortened(words))
    if found:
        print(f"{len(found)} differences from seed {options.seed} on; the scripts are in {folder}", file=sys.stderr)
        return 1
    if not options.keep:
        for path in paths:
            os.unlink(path)
        folder.rmdir()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
