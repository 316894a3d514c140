"""Runs a broker for a person to play with, until Ctrl-C."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from broker import PROPERTIES, Broker  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(prog="tools/broker", description=__doc__)
    parser.add_argument("--data", type=Path, help="where its log lies (default: a folder that goes with it)")
    parser.add_argument("--port", type=int, help="its port on 127.0.0.1 (default: a free one)")
    options = parser.parse_args()
    if options.data is not None:
        options.data.mkdir(parents=True, exist_ok=True)
    broker = Broker(options.data, options.port)
    # Ending happens below, in order, whichever way it is asked for.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with broker:
        reach = " ".join(broker.options)
        print(
            f"""A broker answers at {broker.address}; its log is in {broker.data}.
It is noida-db, which speaks Kafka's protocol; it is for trying things, not for data you need.

  pulsehouse produce {reach} --topic heartrate --count 100k
  pulsehouse sink {reach} --topic heartrate
  pulsehouse ingest {reach}
  kcat -b {broker.address} -X {PROPERTIES[0]} -t heartrate -C -e -c 3

Ctrl-C ends it.""",
            flush=True,
        )
        try:
            code = broker.process.wait() if broker.process else 1
            sys.exit(f"the broker ended by itself with {code}")
        except KeyboardInterrupt:
            print("\nended")


if __name__ == "__main__":
    main()
