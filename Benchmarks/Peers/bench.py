"""Times Pulsehouse and its peers on the same events, and compares their answers before any time is shown.

Every engine runs in one long-lived process and measures itself, from SQL text to the last row. Engines take turns:
each round asks every engine once, after a first round that is not counted. With one thread a process is bound to one
processor. The fastest and the median run are kept. Results of runs add up in the results folder, so that a
long benchmark can be run in parts: --seconds ends one in good time, and --resume goes on where it ended. An answer that
was found equal is not compared again until the program, the peer's version or the data changes.
"""

from __future__ import annotations

import argparse
import fnmatch
import sys
import tempfile
import time
from pathlib import Path

sys.dont_write_bytecode = True

import answers
import dataset
import pipeline
import queries
import report
from engines import ENGINES, TITLES
from processes import EngineError, start
from progress import Progress

ALL = ["pulsehouse", *ENGINES]
# A run that lasts longer than this is repeated fewer times, at least twice.
PATIENCE_SECONDS = 8.0


def say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def main() -> int:
    options = arguments()
    events = "100k" if options.quick else options.events
    here = Path(__file__).resolve().parent.parent
    data = Path(options.data) if options.data else here / "data" / events
    results = report.Results(Path(options.results) if options.results else here / "results" / events)
    if options.report:
        results.show()
        return 0
    dataset.prepare(data, events, say, dataset.FEW_DAYS if options.quick else dataset.DAYS)
    with tempfile.TemporaryDirectory(prefix="pulsehouse-bench-", dir=data) as folder:
        bench = Bench(options, data, Path(folder), results)
        try:
            wrong = bench.run()
        finally:
            results.save()
    if wrong:
        # No time is shown beside a wrong answer.
        for line in wrong:
            print(f"WRONG {line}")
        return 1
    results.show()
    if bench.progress.is_cut:
        print(f"ended after {options.seconds:.0f} s; the same command with --resume goes on")
    return 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tools/bench", description=__doc__)
    parser.add_argument("--events", default="10m", help="events to simulate: 1m, 10m, 100m (default: 10m)")
    parser.add_argument("--quick", action="store_true", help="100k events of 60 days, two repeats")
    parser.add_argument("--data", help="folder of the prepared data (default: Benchmarks/data/<events>)")
    parser.add_argument("--results", help="folder of the results (default: Benchmarks/results/<events>)")
    parser.add_argument("--only", default="", help="names of queries and steps, * for any letters, separated by commas")
    parser.add_argument("--parts", default="scans,memory,pipeline,storage",
                        help="what to run (default: all of it); answers only compares")
    parser.add_argument("--orders", default="arrival,clustered", help="how the events lie (default: both)")
    parser.add_argument("--threads", default="1,2", help="numbers of threads (default: 1,2)")
    parser.add_argument("--engines", default=",".join(ALL), help=f"default: {','.join(ALL)}")
    parser.add_argument("--repeats", type=int, help="counted runs of a query (default: 5)")
    parser.add_argument("--unchecked", action="store_true", help="skip the comparison on data full of NULLs")
    parser.add_argument("--seconds", type=float, help="begin nothing more after so many seconds")
    parser.add_argument("--resume", action="store_true", help="keep the times that this very program already has")
    parser.add_argument("--report", action="store_true", help="show the results that are there, run nothing")
    options = parser.parse_args()
    options.repeats = options.repeats or (2 if options.quick else 5)
    options.threads = [int(word) for word in options.threads.split(",")]
    options.engines = options.engines.split(",")
    options.parts = options.parts.split(",")
    options.orders = options.orders.split(",")
    options.only = [word for word in options.only.split(",") if word]
    return options


class Bench:
    def __init__(self, options: argparse.Namespace, data: Path, scratch: Path, results: report.Results) -> None:
        self.options = options
        self.data = data
        self.scratch = scratch
        self.results = results
        self.progress = Progress(results.folder, data, options.engines, options.seconds)
        self.work = [
            (name, order)
            for name in queries.SCANS
            for order in queries.ORDERS
            if order in options.orders and self.wants(name)
            and (name not in queries.WITHOUT_EVENTS or order == "clustered")
        ]

    def wants(self, name: str) -> bool:
        return not self.options.only or any(fnmatch.fnmatchcase(name, word) for word in self.options.only)

    def is_next(self, *work: str) -> bool:
        """Whether a piece of work is to be done now: there is time, and it is not done already."""
        is_kept = self.options.resume and self.progress.is_done(self.options.engines, *work)
        return not is_kept and not self.progress.is_late()

    def run(self) -> list[str]:
        """Runs what the options ask for; returns the answers that differ."""
        parts = self.options.parts
        wrong: list[str] = []
        if {"answers", "scans", "memory"} & set(parts) and self.work:
            if not self.options.unchecked:
                wrong += self.compare(self.data / "holes", "NULLs and negative numbers: ")
            wrong += self.compare(self.data, "")
            if wrong:
                return wrong
            if "scans" in parts:
                for threads in self.options.threads:
                    self.time_scans(threads)
            if "memory" in parts:
                self.measure_memory()
        if "pipeline" in parts:
            wrong += pipeline.run(self)
        if "storage" in parts and not self.options.only:
            for order, engine, size in dataset.storage(self.data, self.scratch):
                self.results.add("storage", "event table", order, 0, engine, [size])
        return wrong

    def compare(self, folder: Path, words: str) -> list[str]:
        """Asks every engine every query once; DuckDB's answers are the measure."""
        constants = dataset.constants(folder, self.scratch)
        wrong = []
        engines = self.options.engines
        work = [pair for pair in self.work if not self.progress.is_done(engines, "answer", folder.name, *pair)]
        processes = {engine: start(engine, folder, 2) for engine in engines} if work else {}
        for name, order in work:
            if self.progress.is_late():
                break
            say(f"comparing {words}{name}, {order}")
            given = {}
            for engine, process in processes.items():
                try:
                    given[engine] = process.answer(queries.text(name, engine, order, constants), self.scratch)
                except EngineError as error:
                    wrong.append(f"{words}{name}, {order}: {TITLES[engine]} says {error}")
            judge = "duckdb" if "duckdb" in given else next(iter(given), None)
            before = len(wrong)
            for engine, answer in given.items():
                if engine == judge:
                    continue
                found = answers.difference(answer, given[judge])
                if found:
                    wrong.append(f"{words}{name}, {order}: {TITLES[engine]} and {TITLES[judge]} differ: {found}")
            if len(wrong) == before and len(given) == len(engines):
                self.progress.add(engines, "answer", folder.name, name, order)
        for process in processes.values():
            process.close()
        return wrong

    def time_scans(self, threads: int) -> None:
        constants = dataset.constants(self.data, self.scratch)
        work = [pair for pair in self.timeable() if self.is_next("scan", *pair, str(threads))]
        processes = {engine: start(engine, self.data, threads) for engine in self.options.engines} if work else {}
        for name, order in work:
            if self.progress.is_late():
                break
            say(f"timing {name}, {order}, {threads} thread{'s' if threads > 1 else ''}")
            texts = {engine: queries.text(name, engine, order, constants) for engine in processes}
            for engine, times in self.take_turns(
                {engine: lambda p=process, e=engine: p.run(texts[e]) for engine, process in processes.items()}
            ).items():
                self.results.add("scan", name, order, threads, engine, times)
            # What is measured stays, whatever ends the run.
            self.results.save()
            self.progress.add(self.options.engines, "scan", name, order, str(threads))
        for process in processes.values():
            process.close()

    def timeable(self) -> list[tuple[str, str]]:
        """No time is taken of what was not compared: the comparison ends early when --seconds have passed."""
        engines = self.options.engines
        return [pair for pair in self.work if self.progress.is_done(engines, "answer", self.data.name, *pair)]

    def take_turns(self, runs: dict, repeats: int | None = None, first: bool = True) -> dict[str, list[float]]:
        """Runs each of `runs` once a round; returns the times of all rounds but the first."""
        times: dict[str, list[float]] = {engine: [] for engine in runs}
        spent = dict.fromkeys(runs, 0.0)
        for turn in range((repeats or self.options.repeats) + (1 if first else 0)):
            for engine, run in runs.items():
                if spent[engine] > PATIENCE_SECONDS and len(times[engine]) >= 2:
                    continue
                seconds = run()
                spent[engine] += seconds
                if turn > 0 or not first:
                    times[engine].append(seconds)
        return times

    def measure_memory(self) -> None:
        """A process for each query and engine, so that no query pays for another's caches."""
        constants = dataset.constants(self.data, self.scratch)
        threads = max(self.options.threads)
        for name, order in self.timeable():
            if not self.is_next("memory", name, order):
                continue
            say(f"memory of {name}, {order}")
            for engine in self.options.engines:
                process = start(engine, self.data, threads)
                # The first statement makes an engine open its tables; only the query itself is measured.
                process.run("SELECT count(*) AS n FROM gold.dim_activities")
                process.forget_peak()
                own = process.own_peak(lambda: process.run(queries.text(name, engine, order, constants)))
                self.results.add("memory", name, order, threads, engine, [process.memory("VmHWM") / 1e6])
                self.results.add("own memory", name, order, threads, engine, [own / 1e6])
                process.close()
            self.results.save()
            self.progress.add(self.options.engines, "memory", name, order)


if __name__ == "__main__":
    started = time.perf_counter()
    status = main()
    say(f"{time.perf_counter() - started:.0f} s")
    sys.exit(status)
