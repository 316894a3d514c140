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
            process.wait(timeout=120)
        except subprocess.TimeoutExpired:
            # Its log is then not whole, and what follows would say so of the program.
            process.kill()
            process.wait()
            print("the broker did not end in two minutes and was killed", file=sys.stderr)

    def __enter__(self) -> "Broker":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
        if self.owns_data:
            shutil.rmtree(self.data, ignore_errors=True)


class Administrator:
    """Changes topics by the client library itself: kcat cannot."""

    def __init__(self, broker: Broker) -> None:
        self.library = ctypes.CDLL("librdkafka.so.1")
        self.words = ctypes.create_string_buffer(512)
        conf = self.call("conf_new")
        self.call("conf_set", conf, b"bootstrap.servers", broker.address.encode(), self.words, ctypes.c_size_t(512))
        # It goes with the process: a client that is destroyed waits for its threads.
        self.client = self.call("new", 0, conf, self.words, ctypes.c_size_t(512))
        self.call("set_log_level", self.client, 0)
        self.queue = self.call("queue_new", self.client)

    def call(self, name: str, *arguments: object) -> ctypes.c_void_p:
        function = getattr(self.library, f"rd_kafka_{name}")
        function.restype = ctypes.c_void_p
        return ctypes.c_void_p(function(*arguments))

    def change(self, action: str, change: ctypes.c_void_p) -> None:
        self.call(action, self.client, ctypes.byref(change), ctypes.c_size_t(1), None, self.queue)
        event = self.call("queue_poll", self.queue, 10_000)
        if not event or self.call("event_error", event):
            raise SystemExit(f"{action} was not answered")
        count = ctypes.c_size_t()
        results = self.call(f"{action}_result_topics", self.call(f"event_{action}_result", event), ctypes.byref(count))
        result = ctypes.cast(results, ctypes.POINTER(ctypes.c_void_p))[0]
        error = self.call("topic_result_error", ctypes.c_void_p(result)).value
        if count.value != 1 or error:
            raise SystemExit(f"{action}: error {error}")


def add_partitions(broker: Broker, topic: str, total: int) -> None:
    """Gives a topic more partitions."""
    admin = Administrator(broker)
    new = admin.call("NewPartitions_new", topic.encode(), ctypes.c_size_t(total), admin.words, ctypes.c_size_t(512))
    admin.change("CreatePartitions", new)


def delete_topic(broker: Broker, topic: str) -> None:
    admin = Administrator(broker)
    admin.change("DeleteTopics", admin.call("DeleteTopic_new", topic.encode()))


def kcat(broker: Broker, *arguments: str, stdin: bytes | None = None) -> bytes:
    """Runs kcat, the independent witness, against the broker."""
    command = ["kcat", "-q", "-b", broker.address, "-X", PROPERTIES[0], *arguments]
    result = subprocess.run(command, input=stdin, capture_output=True, check=False, timeout=120)
    if result.returncode != 0:
        raise SystemExit(f"{' '.join(command)} ended with {result.returncode}: {result.stderr.decode(errors='replace')}")
    return result.stdout
