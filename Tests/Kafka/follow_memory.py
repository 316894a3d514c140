"""Follows a topic for ten minutes with `ingest --follow` and `sink --follow` side by side, and holds that their memory stays:
what each needs in the middle (median) of the last third is what it needed in the second, but for a tenth and 16 MB, and it
never needs more than 400 MB, and that the files of old snapshots go. This broker answers a fetch with all it has, whatever it is asked for, and often with what was
read before: hence the peaks.

usage: follow_memory.py [--seconds N] [--rate N] [--seed S]
"""

from __future__ import annotations

import argparse
import json
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from broker import Broker  # noqa: E402
from test_ingest import House, check, ends, finish  # noqa: E402


def resident(process: subprocess.Popen[bytes]) -> float:
    """Megabytes of memory that a process holds."""
    for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise SystemExit(f"process {process.pid} is gone: {process.communicate()[1]!r}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--rate", type=int, default=2000, help="messages a second")
    parser.add_argument("--seed", type=int, default=2)
    options = parser.parse_args()
    print(f"seed {options.seed}")
    with tempfile.TemporaryDirectory(prefix="pulsehouse-follow-") as name, Broker() as broker:
        house = House(Path(name) / "house", broker, "follow")
        house.produce(1000, 1)
        lake = Path(name) / "lake"
        followers = {
            "ingest": house.start("--follow", "--commit-seconds", "1", "--retain", "30s"),
            "sink": subprocess.Popen(
                house.command("sink", *broker.options, "--topic", "follow", "--lake", str(lake), "--event-time", "timestamp",
                              "--follow", "--quiet", "--roll-seconds", "10"),
                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE),
        }  # fmt: skip
        producer = subprocess.Popen(
            house.command("produce", *broker.options, "--topic", "follow", "--duration", str(options.seconds), "--rate",
                          str(options.rate), "--seed", str(options.seed), "--continuous", "--json", "--quiet"),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        samples: dict[str, list[float]] = {name: [] for name in followers}
        start = time.monotonic()
        while time.monotonic() - start < options.seconds:
            time.sleep(1)
            for follower, process in followers.items():
                samples[follower].append(resident(process))
            if len(samples["ingest"]) % 60 == 0:
                print(f"  {time.monotonic() - start:4.0f} s: "
                      + ", ".join(f"{name} {values[-1]:.0f} MB" for name, values in samples.items()), flush=True)  # fmt: skip
        produced = json.loads(producer.communicate(timeout=120)[0])["delivered"] + 1000
        time.sleep(8)
        for process in followers.values():
            process.send_signal(signal.SIGTERM)
        for process in followers.values():
            finish(process)
        house.compare(ends(broker, "follow"))
        for table in json.loads(house.run("status", "--json")[0])["tables"]:
            print(f"{table['name']}: {table['rows']:,} rows in {table['segments']} segments")
            # A segment of more rows is merged no more; of smaller ones there are some thirty at most.
            check(table["segments"] <= 32 + table["rows"] // 65_536, "small segments pile up")
        # Those of the newest hundred snapshots stay, and what came since the last collection.
        files = sum(1 for _ in house.data.rglob("*.seg"))
        snapshots = house.numbers("SELECT count(*) FROM sys.snapshots")[0]
        print(f"{files} segment files for {snapshots} snapshots")
        check(files <= 250, "files of old snapshots pile up")
        lines = sum(path.read_bytes().count(b"\n") for path in lake.rglob("*.jsonl"))
        check(lines == produced, f"{lines} of {produced} messages in the lake")
        for follower, values in samples.items():
            third = len(values) // 3
            parts = [values[:third], values[third : 2 * third], values[2 * third :]]
            middles = [statistics.median(part) for part in parts]
            print(f"{follower}: {produced:,} messages in {options.seconds} s; "
                  + ", ".join(f"{middle:.0f} (at most {max(part):.0f})" for middle, part in zip(middles, parts))
                  + " MB in the first, second and last third")  # fmt: skip
            check(middles[2] <= middles[1] * 1.1 + 16, f"the memory of {follower} grows")
            check(max(values) <= 400, f"{follower} needs {max(values):.0f} MB")


if __name__ == "__main__":
    main()
