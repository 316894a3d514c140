"""Prints how few bytes a row the simulated events could take: what any code needs, and what models learned from them say.

usage: entropy.py [--data Benchmarks/data/10m] [--sessions 20000]

Reads peers/duckdb.db of a data folder that tools/bench prepared; run it in the benchmark's own environment,
Benchmarks/.venv/bin/python Benchmarks/Entropy/entropy.py. Two figures for each column, in bytes a row, each given the
columns above it and the user's rows before:

  bound    the code length under the distribution that the generator draws from (its tables are read out of
           Sources/Simulation), with all that it draws and does not store summed out, given each user's home, heart and
           share of events, which would add less than 0.01. Nobody who does not know the seed can need less in the mean.
           Measured on a random sample of sessions.
  learned  the code length under histograms learned on the even days, measured on the odd ones, so that a model with
           many contexts pays for them. It shows what can be had without knowing the generator. Times of the later
           events of a session are given its activity, which the first has told.

In order of arrival the table holds the same events, and their order follows from their times, partitions and users. So
what all columns need together is the same, but for the lines that came twice; the columns only share it otherwise.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import duckdb

from bound import Bound
from events import Events
from generator import REPEAT_SECONDS, Generator
from histograms import learned_arrival, learned_columns

BENCHMARKS = Path(__file__).resolve().parent.parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=BENCHMARKS / "data" / "10m")
    parser.add_argument("--sessions", type=int, default=20_000,
        help="how many sessions of each size are sampled for the bound")
    arguments = parser.parse_args()
    generator = Generator.read()
    with duckdb.connect(str(arguments.data / "peers" / "duckdb.db"), read_only=True) as connection:
        events = Events.read(connection, generator)
        by_user = learned_columns(events, generator)
        arrival, share = learned_arrival(connection, by_user)
    bound, error = Bound(events, generator).columns(arguments.sessions)

    # A line that comes twice tells only when it does: in one of the seconds of DayGenerator.distribute.
    arrival_bound = share * sum(bound.values()) + (1 - share) * math.log2(REPEAT_SECONDS) / 8
    print("| column | by user and time: bound | learned | in order of arrival: bound | learned |")
    print("|---|---:|---:|---:|---:|")
    for name in ("user_id", "event_date", "event_ts", "activity_id", "latitude", "longitude", "heart_rate"):
        print(f"| {name} | {bound.get(name, 0):.2f} | {by_user.get(name, 0):.2f} | | {arrival.get(name, 0):.2f} |")
    sums = [sum(bound.values()), sum(by_user.values()), arrival_bound, sum(arrival.values())]
    print(f"| all | {' | '.join(f'{sum_:.2f}' for sum_ in sums)} |")
    print(f"\nThe standard error of the bound of all by user and time is {error:.3f} bytes.")


if __name__ == "__main__":
    main()
