"""How fast a topic becomes bronze, and a lake, beside kcat reading the same topic to /dev/null: best of several runs each,
in turn.

The broker is noida-db on the same machine, so the figures are that broker's, not Apache Kafka's.

usage: kafka_ingest.py [--messages N] [--runs N]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent / "Tests"
sys.path[:0] = [str(TESTS / "Kafka"), str(TESTS / "Differential")]
from broker import PROPERTIES, Broker  # noqa: E402
from test_ingest import House  # noqa: E402


def timed(command: list[str]) -> float:
    start = time.monotonic()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return time.monotonic() - start


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="pulsehouse-kafka-bench-") as name, Broker() as broker:
        house = House(Path(name) / "0", broker, "bench")
        report = json.loads(
            house.run("produce", *broker.options, "--topic", "bench", "--count", str(options.messages), "--json")[0]
        )
        print(f"produce: {report['messages_per_second']:,.0f} messages/s, acknowledged by all replicas")
        reads, ingests, sinks, compressed = [], [], [], []
        for run in range(options.runs):
            reads.append(
                timed(["kcat", "-q", "-b", broker.address, "-X", PROPERTIES[0], "-C", "-e", "-t", "bench", "-o", "beginning"])
            )
            house = House(Path(name) / f"run-{run}", broker, "bench")
            ingests.append(timed(house.command("ingest", "--property", PROPERTIES[0])))
            for times, more in ((sinks, []), (compressed, ["--zstd"])):
                # All stay to the end: ext4 looks long for a place among files that were deleted in the last minutes.
                lake = Path(name) / f"lake-{run}-{len(more)}"
                times.append(
                    timed(house.command("sink", *broker.options, "--topic", "bench", "--lake", str(lake),
                                        "--event-time", "timestamp", *more))
                )  # fmt: skip
        witness = options.messages / min(reads)
        print(f"kcat to /dev/null: {witness:,.0f} messages/s ({', '.join(f'{s:.2f}' for s in reads)} s)")
        for words, times in (("ingest to bronze", ingests), ("sink to a lake", sinks), ("sink to a lake of zstd", compressed)):
            ours = options.messages / min(times)
            print(f"{words}: {ours:,.0f} messages/s ({', '.join(f'{s:.2f}' for s in times)} s), {ours / witness:.2f} of kcat")


if __name__ == "__main__":
    main()
