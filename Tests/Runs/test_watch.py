"""`pulsehouse run --watch` as a process: new files and messages are built as they come, a second watch waits or says who
holds the warehouse, and signals end it clean. With --seconds N it watches that long and holds that its memory stays.

usage: test_watch.py [--seconds N]
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "Differential"))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "Kafka"))
from broker import Broker  # noqa: E402
from program import PROGRAM, limit  # noqa: E402

MODELS = {
    "models/events.sql": """MODEL (
  name silver.events,
  kind INCREMENTAL_BY_TIME_RANGE (time_column day),
  cron '* * * * *',
  interval_unit day
);

SELECT e.id, e.value, CAST(TIMESTAMP '1970-01-01 00:00:00' + e.at * INTERVAL '1 second' AS DATE) AS day
FROM bronze.events AS e
WHERE e.at BETWEEN @start_epoch AND @end_epoch
""",
    "models/totals.sql": """MODEL (
  name gold.totals,
  kind FULL,
  cron '* * * * *',
  audits (not_null(columns := (total)))
);

SELECT day, SUM(value) AS total, COUNT(*) AS events FROM silver.events GROUP BY day
""",
}
COLUMNS = "columns (id bigint, at bigint, value integer), on_error QUARANTINE"


class House:
    def __init__(self, folder: Path, kind: str, options: list[str] | None = None):
        self.folder = folder
        self.options = options or []
        self.lake = folder / "data" / "lake"
        self.lake.mkdir(parents=True)
        files = MODELS | {"sources/events.sql": f"SOURCE (name bronze.events, kind {kind}, {COLUMNS});\n"}
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    def command(self, *words: str) -> list[str]:
        return [PROGRAM, *words, "--project", str(self.folder), "--data", str(self.folder / "data")]

    def __call__(self, *words: str) -> str:
        result = subprocess.run(self.command(*words), capture_output=True, check=False, encoding="utf-8", timeout=60)
        if result.returncode != 0:
            raise SystemExit(f"{' '.join(words)} ended with {result.returncode}:\n{result.stderr}{result.stdout}")
        return result.stdout

    def watch(self, *words: str) -> Watch:
        return Watch(self.command("run", "--watch", "--poll", "0.05", "--json", *self.options, *words))

    def put(self, name: str, first: int, count: int) -> None:
        lines = [json.dumps({"id": i, "at": 1_704_067_200 + i * 3600, "value": i % 7}) for i in range(first, first + count)]
        path = self.lake / f"{name}.jsonl"
        path.with_suffix(".part").write_text("\n".join(lines) + "\n", encoding="utf-8")
        path.with_suffix(".part").rename(path)

    def number(self, sql: str) -> int:
        return int(self("sql", "--mode", "csv", "-c", sql).splitlines()[1])


class Watch:
    """A watching process whose lines are read as they come."""

    def __init__(self, command: list[str]):
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.events: list[dict[str, object]] = []
        assert self.process.stdout is not None and self.process.stderr is not None
        os.set_blocking(self.process.stdout.fileno(), False)
        os.set_blocking(self.process.stderr.fileno(), False)
        self.rest = self.errors = ""

    def read(self) -> None:
        assert self.process.stdout is not None and self.process.stderr is not None
        self.errors += (self.process.stderr.read() or b"").decode()
        self.rest += (self.process.stdout.read() or b"").decode()
        *lines, self.rest = self.rest.split("\n")
        self.events += [json.loads(line) for line in lines if line]

    def until(self, what: str, holds: Callable[[], bool], seconds: float = 20) -> None:
        end = time.monotonic() + seconds
        while True:
            self.read()
            if holds():
                return
            if time.monotonic() > end or self.process.poll() is not None:
                raise SystemExit(f"{what} did not come within {seconds} s:\n{self.events}\n{self.errors}")
            time.sleep(0.02)

    def count(self, event: str) -> int:
        return sum(1 for entry in self.events if entry["event"] == event)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        try:
            code = self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise SystemExit(f"the watch did not end on {number.name}:\n{self.events}\n{self.errors}") from None
        self.read()
        return code

    @property
    def memory(self) -> float:
        """Megabytes that it holds."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        raise SystemExit("the watch is gone")


def check(holds: bool, what: str) -> None:
    if not holds:
        raise SystemExit(what)


def files_and_signals() -> None:
    with tempfile.TemporaryDirectory(prefix="pulsehouse-watch-") as folder:
        house = House(Path(folder), "LAKE (path 'lake')")
        house.put("first", 0, 100)
        watch = house.watch()
        watch.until("the first build", lambda: watch.count("built") == 1)
        check(house.number("SELECT SUM(events) FROM gold.totals") == 100, "the first file is not in gold")
        house.put("second", 100, 50)
        watch.until("the second file", lambda: watch.count("ingested") == 2)
        check(house.number("SELECT COUNT(*) FROM bronze.events") == 150, "the second file is not in bronze")

        # Another one says who is there, and leaves.
        second = subprocess.run(house.command("run", "--watch"), capture_output=True, check=False, encoding="utf-8", timeout=30)
        check(second.returncode == 6, f"a second watch ended with {second.returncode}: {second.stderr}")
        check(f"process {watch.process.pid} on " in second.stderr and "--wait" in second.stderr, second.stderr)

        # Or waits, and takes over when the first one ends.
        heir = house.watch("--wait")
        heir.until("the words who is waited for", lambda: f"waiting: another watch has this warehouse: process {watch.process.pid}" in heir.errors)
        check(heir.events == [], f"the waiting watch did something: {heir.events}")
        check(watch.end() == 0, f"SIGTERM ended the watch with {watch.process.returncode}: {watch.errors}")
        check(watch.events[-1]["event"] == "ended", f"the last word is {watch.events[-1]}")
        heir.until("the heir's build", lambda: heir.count("built") == 1)
        check(house.number("SELECT SUM(events) FROM gold.totals") == 150, "the heir did not build what was left")
        # A watch that is killed leaves the warehouse to the next one.
        heir.end(signal.SIGKILL)
        third = house.watch()
        third.until("a watch after a kill", lambda: third.count("began") == 1)
        check(third.end(signal.SIGINT) == 0, f"Ctrl-C ended the watch with {third.process.returncode}")

        # A waiting one ends by a signal too, without having had its turn.
        third = house.watch()
        third.until("the third", lambda: third.count("began") == 1)
        waiting = house.watch("--wait")
        waiting.until("waiting", lambda: "waiting: " in waiting.errors)
        check(waiting.end() == 0 and waiting.events == [], f"a waiting watch said {waiting.events}")

        # A model that is mended is built at once, without its turn.
        path = house.folder / "models/extra.sql"
        path.write_text("MODEL (name gold.extra, kind FULL);\nSELECT day,\n  totl FROM gold.totals", encoding="utf-8")
        third.until("the wrong model", lambda: third.count("failed") >= 1)
        failure = next(entry for entry in third.events if entry["event"] == "failed")
        check(str(failure["file"]).endswith("models/extra.sql") and failure["line"] == 3, f"the failure says {failure}")
        path.write_text("MODEL (name gold.extra, kind FULL);\nSELECT day,\n  total FROM gold.totals", encoding="utf-8")
        third.until("the mended model", lambda: third.count("recovered") >= 1 and third.count("built") >= 1)
        # What changed is told at once, and built at its turn.
        path.write_text("MODEL (name gold.extra, kind FULL, cron '@yearly');\nSELECT day,\n  total + 1 AS total FROM gold.totals", encoding="utf-8")
        third.until("the word that a model changed", lambda: third.count("changed") == 1)
        change = next(entry for entry in third.events if entry["event"] == "changed")
        check(change["model"] == "gold.extra" and str(change["built_at"]) > "2024", f"the change says {change}")
        path.unlink()
        third.until("the word that a model went", lambda: third.count("removed") == 1)
        check(third.end() == 0, "the third watch did not end well")

    # SIGTERM in the midst of work: the end comes soon, and what was there before is whole.
    with tempfile.TemporaryDirectory(prefix="pulsehouse-watch-") as folder:
        house = House(Path(folder), "LAKE (path 'lake')")
        house.put("first", 0, 1000)
        house("ingest")
        path = house.folder / "models/slow.sql"
        path.write_text(
            "MODEL (name gold.slow, kind FULL);\nSELECT COUNT(*) AS pairs FROM generate_series(1, 4000000) AS a"
            " JOIN generate_series(1, 4000) AS b ON a % 1000003 < b % 7 - 100",
            encoding="utf-8",
        )
        watch = house.watch()
        watch.until("the beginning", lambda: watch.count("began") == 1)
        time.sleep(0.7)
        start = time.monotonic()
        check(watch.end() == 0, f"SIGTERM in a build ended with {watch.process.returncode}: {watch.errors}")
        check(time.monotonic() - start < limit(3), f"it took {time.monotonic() - start:.1f} s to end")
        runs = json.loads(house("history", "--json"))
        check([entry["outcome"] for entry in runs] in ([], ["failed"]), f"the history says {runs}")
        check("gold.totals" not in house("status"), "half a run was published")
        house("verify")
    print("  files come, watches take turns, signals end them")


def messages() -> None:
    with tempfile.TemporaryDirectory(prefix="pulsehouse-watch-") as folder, Broker() as broker:
        options = broker.options
        house = House(Path(folder), "KAFKA (topic heartrate)", options)
        (house.folder / "sources/events.sql").write_text(
            "SOURCE (name bronze.events, kind KAFKA (topic heartrate), columns (user_id bigint, heart_rate integer,"
            " timestamp bigint), on_error QUARANTINE);\n", encoding="utf-8")
        for name, text in MODELS.items():
            text = text.replace("e.id", "e.user_id AS id").replace("e.value", "e.heart_rate AS value").replace("e.at", "e.timestamp")
            (house.folder / name).write_text(text, encoding="utf-8")
        produce = ["produce", *options, "--topic", "heartrate", "--malformed", "0", "--quiet"]
        house(*produce, "--count", "500", "--seed", "1")
        watch = house.watch()
        watch.until("the first messages", lambda: watch.count("built") >= 1)
        check(house.number("SELECT SUM(events) FROM gold.totals") == 500, "the first messages are not in gold")
        house(*produce, "--count", "300", "--seed", "2")
        watch.until("more messages", lambda: watch.count("ingested") >= 2)
        check(house.number("SELECT COUNT(*) FROM bronze.events") == 800, "the second messages are not in bronze")
        check(watch.end() == 0, f"SIGTERM ended it with {watch.process.returncode}: {watch.errors}")
    print("  messages come as files do")


def memory(seconds: int) -> None:
    with tempfile.TemporaryDirectory(prefix="pulsehouse-watch-") as folder:
        house = House(Path(folder), "LAKE (path 'lake')")
        (house.folder / "models/other.sql").write_text("MODEL (name gold.other, kind FULL);\nSELECT 1 AS x\n", encoding="utf-8")
        house.put("0", 0, 1000)
        # Old snapshots go after ten seconds, so that the disk can be looked at too.
        watch = house.watch("--retain", "10s")
        watch.until("the first build", lambda: watch.count("built") == 1)
        samples: list[float] = []
        disk: list[int] = []
        start = time.monotonic()
        while time.monotonic() - start < seconds:
            # New rows, and models that go and come back, which makes them due at once.
            number = len(samples) + 1
            for name in MODELS:
                (house.folder / name).rename(house.folder / Path(name).name)
            ingested = watch.count("ingested")
            house.put(str(number), number * 20 % 1000, 20)
            watch.until(f"file {number}", lambda: watch.count("ingested") > ingested)
            builds = watch.count("built")
            for name in MODELS:
                (house.folder / Path(name).name).rename(house.folder / name)
            watch.until(f"build {number}", lambda: watch.count("built") > builds)
            samples.append(watch.memory)
            disk.append(sum(1 for path in house.folder.glob("data/tables/tables/**/*.seg")))
            if number % 50 == 0:
                print(f"  {time.monotonic() - start:4.0f} s, {number} builds: {samples[-1]:.0f} MB, {disk[-1]} segments", flush=True)
        check(watch.end() == 0, "the watch did not end well")
        third = len(samples) // 3
        before, after = max(samples[third : 2 * third]), max(samples[2 * third :])
        check(after <= before * 1.05 + 4, f"memory grew from {before:.0f} to {after:.0f} MB over {len(samples)} builds")
        before_files, after_files = max(disk[third : 2 * third]), max(disk[2 * third :])
        check(watch.count("collected") > 0, "no garbage was collected")
        check(after_files <= before_files * 1.5 + 50, f"files grew from {before_files} to {after_files}")
        print(f"  {before_files} segments at most in the second third, {after_files} in the last")
        print(f"  {len(samples)} builds in {seconds} s: {before:.0f} MB at most in the second third, {after:.0f} MB in the last")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=0, help="watch so long, and look at memory alone")
    options = parser.parse_args()
    if options.seconds:
        memory(options.seconds)
    else:
        files_and_signals()
        messages()
    return 0


if __name__ == "__main__":
    sys.exit(main())
