"""Times what is small: SELECT 1, planning a join of ten tables, a small INSERT, opening a warehouse of many segments.

Statements are timed inside the program, from SQL text to last row (`pulsehouse bench --statements`); opening is the wall
time of a process that counts a table's rows by zone maps, less that of one that only says its version. Each figure is the
median of its runs. PULSEHOUSE names the program.

usage: latency.py [--segments N] [--runs N]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

PROGRAM = os.environ.get("PULSEHOUSE") or str(Path(__file__).resolve().parent.parent / ".build/release/pulsehouse")

# Ten tables of a star with branches, each joined by its key, in an order that nobody would run them in.
TEN_TABLES = """EXPLAIN SELECT r.name, sum(f.amount)
FROM regions r, makers m, days d, f, users u, countries c, devices v, weeks w, kinds k, shops s
WHERE r.id = c.region AND c.id = u.country AND u.id = f.user_id AND v.user_id = u.id AND m.id = v.maker
  AND d.id = f.day AND w.id = d.week AND k.id = f.kind AND s.id = f.shop AND m.name LIKE 'a%' AND f.amount > 10
GROUP BY r.name"""
DIMENSIONS = {
    "regions": "i AS id, 'region ' || i AS name",
    "countries": "i AS id, i % 10 AS region",
    "users": "i AS id, i % 50 AS country",
    "devices": "i AS id, i % 7 AS maker, i % 200 AS user_id",
    "makers": "i AS id, chr((97 + i % 26)::integer) AS name",
    "weeks": "i AS id",
    "days": "i AS id, i / 7 AS week",
    "kinds": "i AS id",
    "shops": "i AS id",
}


def run(data: Path, *arguments: str, text: str | None = None) -> str:
    command = [PROGRAM, *arguments, "--data", str(data)]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout


def seconds(data: Path, statements: list[str]) -> list[float]:
    """How long each statement took, in one process."""
    output = run(data, "bench", "--statements", text="\n\n".join(statements) + "\n\n")
    answers = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    failed = [answer for answer in answers if "error" in answer]
    if failed or len(answers) != len(statements):
        raise SystemExit(f"{len(answers)} answers to {len(statements)} statements: {failed[:1]}")
    return [answer["seconds"] for answer in answers]


def wall(data: Path, *arguments: str) -> float:
    start = time.perf_counter()
    run(data, *arguments)
    return time.perf_counter() - start


def show(name: str, times: list[float], limit: float | None = None) -> None:
    middle = statistics.median(times)
    verdict = "" if limit is None else f"   limit {limit * 1000:g} ms: {'held' if middle < limit else 'MISSED'}"
    print(f"{name:<46} median {middle * 1000:9.3f} ms   least {min(times) * 1000:9.3f} ms{verdict}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--segments", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=200)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pulsehouse-latency-") as folder:
        data = Path(folder) / "small"
        made = [
            f"CREATE TABLE {name} AS SELECT {columns} FROM generate_series(0, 399) AS g(i)"
            for name, columns in DIMENSIONS.items()
        ]
        made.append(
            "CREATE TABLE f AS SELECT i % 400 AS user_id, i % 400 AS day, i % 9 AS kind, i % 30 AS shop, i AS amount "
            "FROM generate_series(0, 99999) AS g(i)"
        )
        made.append("CREATE TABLE log (id bigint, note text)")
        run(data, "sql", "-c", "; ".join(made))
        show("SELECT 1", seconds(data, ["SELECT 1"] * options.runs)[1:], 0.0002)
        show("parse and plan a join of ten tables", seconds(data, [TEN_TABLES] * options.runs)[1:], 0.005)
        inserts = [f"INSERT INTO log VALUES ({index}, 'one row')" for index in range(min(options.runs, 200))]
        show("INSERT of one row, with its commit", seconds(data, inserts)[1:])

        many = Path(folder) / "many"
        columns = f"i % {options.segments} AS part, i, 'value ' || i AS text FROM generate_series(1, {options.segments}) AS g(i)"
        run(many, "sql", "-c", f"CREATE TABLE t WITH (partitioned_by = 'part') AS SELECT {columns}")
        base = [wall(data, "sql", "-c", "SELECT 1") for _ in range(10)]
        opened = [wall(many, "sql", "-c", "SELECT count(*) FROM t") for _ in range(10)]
        start = statistics.median(base)
        show(f"opening {options.segments} segments and counting their rows", [time - start for time in opened], 0.1)
        show("(starting the program on a small warehouse)", base)


if __name__ == "__main__":
    main()
