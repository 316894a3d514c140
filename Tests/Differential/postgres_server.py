"""Starts a PostgreSQL 15 server of its own in a temporary folder, on 127.0.0.1 and a free port, and ends it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg2
import psycopg2.extensions

BINARIES = Path(os.environ.get("POSTGRES_BIN", "/usr/lib/postgresql/15/bin"))


class PostgresServer:
    """A context: `connect` gives connections whose values are the text that psql would show."""

    def __enter__(self) -> "PostgresServer":
        # The server refuses to run as root, so then it runs as the user that owns nothing.
        self.user = "nobody" if os.geteuid() == 0 else None
        self.folder = Path(tempfile.mkdtemp(prefix="pulsehouse-postgres-"))
        if self.user:
            shutil.chown(self.folder, self.user)
        data = self.folder / "data"
        # C.UTF-8 orders by code points, as collation C does, and knows the letters of Unicode.
        self._run("initdb", "-D", data, "-A", "trust", "-U", "tester", "--locale=C.UTF-8", "--encoding=UTF8", "-N")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": "",
            "fsync": "off",
            "timezone": "UTC",
            "jit": "off",
            "max_parallel_workers_per_gather": "0",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        self.log = open(self.folder / "log", "wb")
        self.process = subprocess.Popen(
            [BINARIES / "postgres", "-D", data, *options],
            stdout=self.log,
            stderr=self.log,
            cwd=self.folder,
            user=self.user,
        )
        deadline = time.monotonic() + 30
        while True:
            try:
                self.connect().close()
                return self
            except psycopg2.OperationalError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    words = (self.folder / "log").read_text(errors="replace")
                    self.__exit__()
                    raise SystemExit(f"PostgreSQL did not start:\n{words}")
                time.sleep(0.05)

    def __exit__(self, *_: object) -> None:
        # A fast shutdown: it does not wait for connections.
        self.process.send_signal(signal.SIGINT)
        self.process.wait(20)
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, program: str, *arguments: object) -> None:
        subprocess.run(
            [BINARIES / program, *map(str, arguments)],
            check=True,
            capture_output=True,
            cwd=self.folder,
            user=self.user,
        )

    def connect(self) -> "psycopg2.extensions.connection":
        connection = psycopg2.connect(host="127.0.0.1", port=self.port, user="tester", dbname="postgres")
        connection.autocommit = True
        text = psycopg2.extensions.new_type(tuple(range(1, 10_000)), "TEXT", lambda value, _: value)
        psycopg2.extensions.register_type(text, connection)
        return connection
