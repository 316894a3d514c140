"""Kills `pulsehouse ingest` and `pulsehouse run` with SIGKILL at random instants and looks at what is left.

After every kill the warehouse must open, hold everything that was committed before, and hold no row twice; bronze and
the quarantine may only grow, and gold must be the old publication or the new one. New lake files arrive between
the kills. At the end everything is finished undisturbed and compared with a warehouse that was never killed.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "Differential"))
from program import PROGRAM, PROJECT, pulsehouse  # noqa: E402

BOOKS = "SELECT COUNT(*) AS rows_kept, COUNT(DISTINCT _file || ':' || CAST(_offset AS TEXT)) AS places FROM bronze.heart_rate"
PUBLISHED = (
    "SELECT (SELECT COUNT(*) FROM silver.heart_rate) AS silver_rows, (SELECT COUNT(*) FROM gold.fct_heart_rate) AS gold_rows"
)


def numbers(data: Path, query: str) -> list[int]:
    lines = pulsehouse(data, "sql", "--mode", "csv", "-c", query).splitlines()
    return [int(value) for value in lines[1].split(",")]


def run_and_kill(data: Path, command: str, seconds: float) -> tuple[bool, float]:
    """Returns whether the command was still running when it was killed, and how long it ran."""
    start = time.monotonic()
    process = subprocess.Popen(
        [PROGRAM, "--project", str(PROJECT), "--data", str(data), command],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        _, errors = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        return True, seconds
    if process.returncode != 0:
        raise SystemExit(f"{command} ended with {process.returncode}: {errors.decode(errors='replace')}")
    return False, time.monotonic() - start


def contents(data: Path) -> dict[str, list[str]]:
    """Returns the tables that must not depend on what was killed, as sorted lines."""
    return {
        name: sorted(pulsehouse(data, "sql", "--mode", "csv", "-c", f"SELECT * FROM {name}").splitlines())
        for name in ("bronze.heart_rate", "bronze.users", "silver.heart_rate", "gold.dim_users", "gold.fct_heart_rate")
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--events", default="60000")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    options = parser.parse_args()
    chance = random.Random(options.seed)
    print(f"  seed {options.seed}")

    with tempfile.TemporaryDirectory(prefix="pulsehouse-kill-") as folder:
        data = Path(folder) / "killed"
        untouched = Path(folder) / "untouched"
        arguments = ["--events", options.events, "--days", "3", "--continuous", "--malformed", "1%"]
        pulsehouse(untouched, "generate", *arguments)
        lake = untouched / "lake"
        files = sorted(path.relative_to(lake) for path in lake.rglob("*.jsonl"))
        chance.shuffle(files)
        shutil.copytree(untouched / "seeds", data / "seeds")
        pulsehouse(untouched, "ingest")
        pulsehouse(untouched, "run")

        def arrive(count: int) -> None:
            for _ in range(min(count, len(files))):
                name = files.pop()
                (data / "lake" / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(lake / name, data / "lake" / name)

        arrive(len(files) // 4)
        # How long each command takes when nobody kills it; learnt anew whenever one comes through.
        seconds = {command: run_and_kill(data, command, 600)[1] for command in ("ingest", "run")}
        rows, _ = numbers(data, BOOKS)
        published = numbers(data, PUBLISHED)
        attempts = killed = 0
        while killed < options.kills:
            attempts += 1
            if attempts > options.kills * 20:
                raise SystemExit("the commands end too soon to be killed; raise --events")
            command = chance.choice(["ingest", "run"])
            if command == "ingest":
                arrive(max(1, len(files) // 30))
            was_killed, lasted = run_and_kill(data, command, chance.uniform(0, seconds[command]))
            killed += was_killed
            if not was_killed:
                seconds[command] = lasted
            rows_before, published_before = rows, published
            rows, places = numbers(data, BOOKS)
            published = numbers(data, PUBLISHED)
            if places != rows:
                raise SystemExit(f"after kill {killed} of {command}: {rows - places} rows are there twice")
            if rows < rows_before:
                raise SystemExit(f"after kill {killed} of {command}: {rows_before - rows} committed rows are lost")
            if published[0] != published[1]:
                raise SystemExit(f"after kill {killed} of {command}: half a publication, {published}")
            if command == "ingest" and published != published_before:
                raise SystemExit(f"after kill {killed} of ingest: the publication changed")
        arrive(len(files))
        pulsehouse(data, "ingest")
        pulsehouse(data, "run")
        ours, theirs = contents(data), contents(untouched)
        for name, lines in theirs.items():
            if ours[name] != lines:
                raise SystemExit(f"{name} is not what it is without kills: {len(ours[name])} and {len(lines)} lines")
        pulsehouse(data, "verify")
    print(f"  killed {killed} times in {attempts} attempts: nothing lost, nothing doubled")
    return 0


if __name__ == "__main__":
    sys.exit(main())
