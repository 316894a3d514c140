"""Times what a run costs when little has changed: nothing to do, one late hour, and the plan of a large project.

usage: runs.py [--program PATH] [--data DIR] [--models 1000] [--depth 50] [--rounds 5]

  idle   `pulsehouse run` on --data, whose tables are up to date (the first round brings them there)
  late   events of one hour in the middle of the data's time are added to bronze, and `pulsehouse run` takes them through
         silver and gold; each round takes another hour. It writes into --data: give it a copy.
  plan   `pulsehouse plan` of a generated project of --models models in chains --depth deep, all built

Times are wall clock of the whole process, from start to end; the least, the median and the greatest of the rounds.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent


def run(program: str, project: Path, data: Path, *arguments: str) -> tuple[float, str]:
    command = [program, "--project", str(project), "--data", str(data), *arguments]
    start = time.perf_counter()
    result = subprocess.run(command, capture_output=True, check=False, encoding="utf-8")
    seconds = time.perf_counter() - start
    if result.returncode != 0:
        raise SystemExit(f"{' '.join(command)}\nended with {result.returncode}:\n{result.stderr}")
    return seconds, result.stdout


def show(name: str, seconds: list[float]) -> None:
    print(
        f"{name:5} least {min(seconds) * 1000:8.1f} ms   median {statistics.median(seconds) * 1000:8.1f} ms"
        f"   greatest {max(seconds) * 1000:8.1f} ms   of {len(seconds)}",
        flush=True,
    )


def late(program: str, data: Path, rounds: int) -> list[float]:
    project = REPOSITORY / "warehouse"

    def value(sql: str) -> str:
        return run(program, project, data, "--quiet", "sql", "--mode", "csv", "-c", sql)[1].split("\n")[1]

    first, last = (int(word) for word in value("SELECT min(timestamp), max(timestamp) FROM bronze.heart_rate").split(","))
    seconds = []
    for number in range(rounds):
        # Hours a fortnight and more apart, so that each touches days of its own.
        hour = (first + (last - first) * (number + 1) // (rounds + 1)) // 3600 * 3600
        # As many events as the hour has, a second later than each of them.
        added = run(
            program, project, data, "--quiet", "sql", "-c",
            "INSERT INTO bronze.heart_rate (user_id, heart_rate, timestamp, activity_id, latitude, longitude, _file, _line,"
            " _offset) SELECT user_id, heart_rate, timestamp + 1, activity_id, latitude, longitude, 'late', _line, _offset"
            f" FROM bronze.heart_rate WHERE timestamp BETWEEN {hour} AND {hour + 3598}",
        )[1].strip()
        took, report = run(program, project, data, "run")
        seconds.append(took)
        print(f"      {added or 'added'}; {took * 1000:.0f} ms; {report.strip().splitlines()[-1]}")
        for line in report.splitlines():
            if "heart_rate" in line and "unchanged" not in line:
                print(f"        {line}")
    return seconds


def plan(program: str, models: int, depth: int, rounds: int) -> list[float]:
    with tempfile.TemporaryDirectory(prefix="pulsehouse-runs-") as folder:
        project, data = Path(folder) / "project", Path(folder) / "data"
        for number in range(models):
            level, chain = number % depth, number // depth
            name = f"c{chain}_{level}"
            source = "bronze.events" if level == 0 else f"layer{level - 1}.c{chain}_{level - 1}"
            beside = f" JOIN layer{level - 1}.c{(chain + 1) % max(models // depth, 1)}_{level - 1} AS b ON b.id = a.id"
            path = project / "models" / f"layer{level}" / f"{name}.sql"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(
                f"MODEL (\n  name layer{level}.{name},\n  kind FULL,\n  audits (not_null(columns := (id)))\n);\n\n"
                f"SELECT a.id, a.value + 1 AS value FROM {source} AS a{beside if level else ''} WHERE a.id IS NOT NULL\n",
                encoding="utf-8",
            )
        run(program, project, data, "sql", "-c",
            "CREATE SCHEMA bronze; CREATE TABLE bronze.events AS SELECT g AS id, g AS value FROM generate_series(1, 100) AS g")
        took, report = run(program, project, data, "run")
        print(f"      {report.strip().splitlines()[-1]}")
        show("build", [took])
        show("rerun", [run(program, project, data, "run")[0] for _ in range(rounds)])
        unchanged = [run(program, project, data, "plan")[0] for _ in range(rounds)]
        show("plan", unchanged)
        run(program, project, data, "sql", "-c", "INSERT INTO bronze.events VALUES (101, 101)")
        return unchanged + [run(program, project, data, "plan")[0] for _ in range(rounds)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=str(REPOSITORY / ".build" / "release" / "pulsehouse"))
    parser.add_argument("--data", type=Path, help="a data folder that may be written into; without it only the plan is timed")
    parser.add_argument("--models", type=int, default=1000)
    parser.add_argument("--depth", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    if options.models:
        show("plan", plan(options.program, options.models, options.depth, options.rounds))
    if options.data:
        project = REPOSITORY / "warehouse"
        run(options.program, project, options.data, "run")
        show("idle", [run(options.program, project, options.data, "run")[0] for _ in range(options.rounds)])
        show("late", late(options.program, options.data, options.rounds))


if __name__ == "__main__":
    main()
