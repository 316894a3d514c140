"""The running engines as the benchmark sees them: a process each, asked one thing at a time."""

from __future__ import annotations

import concurrent.futures
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pyarrow
import pyarrow.csv
import pyarrow.feather

REPOSITORY = Path(__file__).resolve().parent.parent.parent
PROGRAM = os.environ.get("PULSEHOUSE") or str(REPOSITORY / ".build/release/pulsehouse")
PROJECT = REPOSITORY / "warehouse"


class EngineError(Exception):
    pass


def start(engine: str, folder: Path, threads: int, is_writing: bool = False) -> "Peer | Pulsehouse":
    if engine == "pulsehouse":
        return Pulsehouse(folder / "pulsehouse", threads)
    return Peer(engine, folder / "peers", threads, is_writing)


class Process:
    """One thread means one processor too: whatever threads an engine starts by itself share it."""

    def __init__(self, command: list[str], threads: int) -> None:
        environment = dict(os.environ, POLARS_MAX_THREADS=str(threads), TOKIO_WORKER_THREADS=str(threads))
        processors = sorted(os.sched_getaffinity(0))[-threads:]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True,
            preexec_fn=lambda: os.sched_setaffinity(0, processors),
        )

    def ask(self, request: str) -> dict:
        self.process.stdin.write(request)
        self.process.stdin.flush()
        return self.hear()

    def hear(self) -> dict:
        line = self.process.stdout.readline()
        if not line:
            raise EngineError(f"the process ended with {self.process.wait()}")
        answer = json.loads(line)
        if "error" in answer:
            raise EngineError(answer["error"])
        return answer

    def close(self) -> None:
        self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def forget_peak(self) -> None:
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5", encoding="ascii")

    def own_peak(self, work) -> int:
        """Does `work` and returns the most memory that was the process's alone meanwhile, in bytes.

        The kernel keeps no peak of that, so it is looked at all the time: what lasts less than a millisecond may be missed.
        """
        peak = self.memory("RssAnon")
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            running = pool.submit(work)
            while not running.done():
                peak = max(peak, self.memory("RssAnon"))
                time.sleep(0.0005)
            running.result()
        return max(peak, self.memory("RssAnon"))

    def memory(self, name: str) -> int:
        """Returns a line of the process's memory (VmHWM: the most since `forget_peak`, RssAnon: what is no mapped file's
        now), in bytes."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii").splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1]) * 1024
        raise EngineError(f"no {name} in the process's status")


class Peer(Process):
    def __init__(self, engine: str, folder: Path, threads: int, is_writing: bool) -> None:
        worker = str(Path(__file__).resolve().parent / "worker.py")
        mode = "write" if is_writing else "read"
        super().__init__([sys.executable, worker, engine, str(folder), str(threads), mode], threads)
        self.hear()

    def run(self, sql: str) -> float:
        return self.ask(json.dumps({"do": "run", "sql": sql}) + "\n")["seconds"]

    def answer(self, sql: str, scratch: Path) -> pyarrow.Table:
        path = scratch / "answer.feather"
        self.ask(json.dumps({"do": "answer", "sql": sql, "path": str(path)}) + "\n")
        return pyarrow.feather.read_table(path, memory_map=False)

    def call(self, name: str, *arguments) -> object:
        return self.ask(json.dumps({"do": "call", "name": name, "arguments": arguments}) + "\n")["value"]


class Pulsehouse(Process):
    def __init__(self, folder: Path, threads: int) -> None:
        super().__init__(
            [PROGRAM, "--project", str(PROJECT), "--data", str(folder), "bench", "--statements", "--quiet",
             "--threads", str(threads)],
            threads,
        )

    def run(self, sql: str) -> float:
        lines = [line for line in sql.splitlines() if line.strip()]
        return self.ask("\n".join(lines) + "\n\n")["seconds"]

    def answer(self, sql: str, scratch: Path) -> pyarrow.Table:
        path = scratch / "answer.csv"
        self.run(f"COPY ({sql}) TO '{path}' (FORMAT csv, HEADER)")
        # An empty field is NULL, an empty text is quoted.
        return pyarrow.csv.read_csv(
            path,
            convert_options=pyarrow.csv.ConvertOptions(
                null_values=[""], strings_can_be_null=True, quoted_strings_can_be_null=False
            ),
        )


def pulsehouse(folder: Path, *arguments: str, project: Path = PROJECT) -> str:
    """Runs a command of the program on a data folder and returns what it writes."""
    command = [PROGRAM, "--project", str(project), "--data", str(folder), "--quiet", *arguments]
    result = subprocess.run(command, capture_output=True, check=False)
    if result.returncode != 0:
        raise SystemExit(f"{' '.join(command)}\nended with {result.returncode}:\n{result.stderr.decode(errors='replace')}")
    return result.stdout.decode("utf-8")
