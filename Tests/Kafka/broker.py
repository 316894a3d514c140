"""A broker that speaks Kafka's protocol, as a process of its own on 127.0.0.1: noida-db.

It is not Apache Kafka, and its figures are not Kafka's: it writes its log late (a kill can lose what it acknowledged in the
last seconds) and answers a fetch with all it has, which is why `PROPERTIES` lift the client's limit.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROPERTIES = ["receive.message.max.bytes=2147483647"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Broker:
    """A running broker. Ends with the `with` block; its data too, unless a folder was named."""

    def __init__(self, data: Path | None = None, port: int | None = None, quiet: bool = True) -> None:
        self.owns_data = data is None
        self.data = data or Path(tempfile.mkdtemp(prefix="pulsehouse-broker-"))
        self.port = port or free_port()
        self.quiet = quiet
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def options(self) -> list[str]:
        """Options of pulsehouse that reach this broker."""
        return ["--brokers", self.address] + [word for text in PROPERTIES for word in ("--property", text)]

    def start(self) -> "Broker":
        # The program itself: the script of that name starts it as a child, which would outlive a signal to the script.
        package = importlib.util.find_spec("noida_db")
        if package is None or package.origin is None:
            raise SystemExit("noida-db is not installed: tools/python-environment")
        program = Path(package.origin).parent / "noida-db"
        self.process = subprocess.Popen(
            [str(program), "start", "--only", "kafka", "--kafka-port", str(self.port), "--data-dir", str(self.data),
             "--host", "127.0.0.1"],
            stdout=subprocess.DEVNULL if self.quiet else None,
            stderr=subprocess.DEVNULL if self.quiet else None,
            start_new_session=True,
        )  # fmt: skip
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise SystemExit(f"the broker ended with {self.process.returncode}")
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return self
            except OSError:
                time.sleep(0.05)
        self.stop()
        raise SystemExit("the broker does not answer")

    def stop(self, how: int = signal.SIGTERM) -> None:
        """Ends the broker and waits for it, so that the next start finds its log closed."""
        process, self.process = self.process, None
        if process is None or process.poll() is not None:
            return
        os.kill(process.pid, how)
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def __enter__(self) -> "Broker":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
        if self.owns_data:
            shutil.rmtree(self.data, ignore_errors=True)


def add_partitions(broker: Broker, topic: str, total: int) -> None:
    """Gives a topic more partitions, by the client library itself: kcat cannot."""
    library = ctypes.CDLL("librdkafka.so.1")
    for name in ("conf_new", "new", "NewPartitions_new", "queue_new", "queue_poll", "event_CreatePartitions_result",
                 "CreatePartitions_result_topics", "topic_result_error_string"):  # fmt: skip
        getattr(library, f"rd_kafka_{name}").restype = ctypes.c_void_p
    words = ctypes.create_string_buffer(512)
    conf = ctypes.c_void_p(library.rd_kafka_conf_new())
    library.rd_kafka_conf_set(conf, b"bootstrap.servers", broker.address.encode(), words, ctypes.c_size_t(512))
    client = ctypes.c_void_p(library.rd_kafka_new(0, conf, words, ctypes.c_size_t(512)))
    library.rd_kafka_set_log_level(client, 0)
    new = ctypes.c_void_p(
        library.rd_kafka_NewPartitions_new(topic.encode(), ctypes.c_size_t(total), words, ctypes.c_size_t(512)))
    queue = ctypes.c_void_p(library.rd_kafka_queue_new(client))
    library.rd_kafka_CreatePartitions(client, ctypes.byref(new), ctypes.c_size_t(1), None, queue)
    event = ctypes.c_void_p(library.rd_kafka_queue_poll(queue, 10_000))
    if not event or library.rd_kafka_event_error(event) != 0:
        raise SystemExit(f"no partitions were added to {topic}")
    count = ctypes.c_size_t()
    results = ctypes.c_void_p(
        library.rd_kafka_CreatePartitions_result_topics(
            ctypes.c_void_p(library.rd_kafka_event_CreatePartitions_result(event)), ctypes.byref(count)))  # fmt: skip
    result = ctypes.cast(results, ctypes.POINTER(ctypes.c_void_p))[0]
    error = library.rd_kafka_topic_result_error(ctypes.c_void_p(result))
    if count.value != 1 or error != 0:
        raise SystemExit(f"no partitions were added to {topic}: error {error}")
    # The handles go with the process: a client that is destroyed waits for its threads.


def kcat(broker: Broker, *arguments: str, stdin: bytes | None = None) -> bytes:
    """Runs kcat, the independent witness, against the broker."""
    command = ["kcat", "-q", "-b", broker.address, "-X", PROPERTIES[0], *arguments]
    result = subprocess.run(command, input=stdin, capture_output=True, check=False, timeout=120)
    if result.returncode != 0:
        raise SystemExit(f"{' '.join(command)} ended with {result.returncode}: {result.stderr.decode(errors='replace')}")
    return result.stdout
