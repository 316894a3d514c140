"""Both ways from a topic to bronze, straight and by way of the lake (plain and compressed), give the same rows and the
same quarantine, in the same words, for JSON and for Avro, whatever the messages are.

usage: test_paths.py [--messages N] [--seed S]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import struct
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "Differential"))
import test_ingest  # noqa: E402
import test_sink  # noqa: E402
from broker import Broker, kcat  # noqa: E402
from program import PROJECT  # noqa: E402
from test_avro import SCHEMA, query, run, single_object  # noqa: E402
from test_sink import check  # noqa: E402

COLUMNS = "user_id, heart_rate, timestamp, activity_id, latitude, longitude"
WAYS = ("straight", "lake", "compressed")

RECORD = {"user_id": 7, "heart_rate": 61, "timestamp": 1707696130,
          "meta": {"activity_id": 3, "location": {"latitude": -0.125, "longitude": 1e-9}}}  # fmt: skip
JSON_POISON = [
    *test_sink.POISON,
    *(value for value, _ in test_ingest.POISON),
    b'{"user_id":8,"heart_rate":70,"timestamp":1707696130}\r',
    b"not JSON\r",
    b"\r",
    b'{"user_id":9,"heart_rate":70000,"timestamp":1707696130}',
    b'{"user_id":10,\n"heart_rate":70000,\n"timestamp":1707696130}',
    b'{"user_id":11,"heart_rate":70,"timestamp":1e300}',
    b'{"user_id":11,"heart_rate":70,"timestamp":"yesterday"}',
    b'{"user_id":"\\ud800","heart_rate":70}',
    b"[" * 300,
    b"\xef\xbb\xbf",
    b"y" * 990_000,
]


def avro_poison() -> list[bytes]:
    other = {"type": "record", "name": "Other", "fields": [{"name": "user_id", "type": "long"}]}
    whole = single_object(SCHEMA, RECORD)
    return [
        whole,
        whole[:-1],
        whole + b"\x00",
        single_object(other, {"user_id": 1}),
        single_object(SCHEMA, {**RECORD, "heart_rate": 70_000}),
        single_object(SCHEMA, {**RECORD, "timestamp": -5}),
        single_object(SCHEMA, {**RECORD, "timestamp": 1 << 62}),
        # Line ends among the bytes, at their start and at their end.
        single_object(SCHEMA, {**RECORD, "user_id": 5, "heart_rate": 5}),
        single_object(SCHEMA, {**RECORD, "meta": {"activity_id": 5, "location": {"latitude": 5e-324, "longitude": -0.0}}}),
        struct.pack("<q", 10),
        json.dumps(RECORD).encode(),
        b"!null",
        b"!base64 wwE=",
        b"\n",
        b"   ",
        b"\xc3\x01",
        b"z" * 900_000,
    ]


def declare(project: Path, topic: str, heart_rate: str) -> None:
    wire = ", format avro, schema 'heart_rate.avsc'" if topic == "avro" else ""
    (project / "sources").mkdir(parents=True, exist_ok=True)
    shutil.copy(PROJECT / "sources/heart_rate.avsc", project / "sources")
    (project / "sources/heart_rate.sql").write_text(f"""
        SOURCE (
          name bronze.heart_rate,
          kind LAKE (path 'lake', topic {topic}{wire}),
          columns (
            user_id bigint, heart_rate {heart_rate}, timestamp bigint, meta.activity_id bigint,
            meta.location.latitude double precision, meta.location.longitude double precision
          ),
          event_time timestamp
        );""")


def send_poison(broker: Broker, scratch: Path, topic: str, values: list[bytes]) -> int:
    for number, value in enumerate(values):
        path = scratch / "message"
        path.write_bytes(value)
        kcat(broker, "-P", "-t", topic, "-p", str(number % 3), "-k", "same key", "-H", "trace=1", "-H", "trace=2",
             "-D", "\\0never\\0", str(path))  # fmt: skip
    kcat(broker, "-P", "-t", topic, "-p", "0", "-K", ":", stdin=b"empty:\n")
    kcat(broker, "-P", "-t", topic, "-p", "1", "-K", ":", "-Z", stdin=b"tombstone:\ntombstone:\n")
    return len(values) + 3


def take(broker: Broker, project: Path, data: Path, topic: str, way: str) -> None:
    if way == "straight":
        run(project, data, "ingest", *broker.options)
        return
    more = ["--zstd"] if way == "compressed" else []
    # Small files, so that there are many, and a position to go on from.
    run(project, data, "sink", *broker.options, "--topic", topic, "--roll-size", "300KB", *more)
    run(project, data, "ingest")


def fingerprint(lines: list[str]) -> tuple[int, str]:
    return len(lines), hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()


def compare(project: Path, folder: Path, total: int, words: str) -> None:
    """Every message in bronze or in quarantine, and all three ways the same."""
    found: dict[str, list[list[str]]] = {}
    for way in WAYS:
        found[way] = [
            query(project, folder / way, f"SELECT {COLUMNS} FROM bronze.heart_rate"),
            query(project, folder / way, "SELECT reason, coalesce(raw, '') FROM quarantine.bronze_heart_rate"),
        ]
        count = sum(len(lines) for lines in found[way])
        check(count == total, f"{words}: {count} of {total} messages by way {way}")
    for way in WAYS[1:]:
        for first, second in zip(found["straight"], found[way], strict=True):
            if fingerprint(first) != fingerprint(second):
                only = [sorted(set(a) - set(b))[:3] for a, b in ((first, second), (second, first))]
                check(False, f"{words}: {way} differs; only straight: {only[0]}; only there: {only[1]}")
    rows, refused = (len(lines) for lines in found["straight"])
    print(f"  {words}: {rows} rows and {refused} in quarantine, the same by every way", flush=True)


def test_topic(broker: Broker, scratch: Path, topic: str, messages: int, seed: int, poison: list[bytes]) -> None:
    project, folder = scratch / f"project-{topic}", scratch / topic
    declare(project, topic, "smallint")
    words = ["--format", "avro"] if topic == "avro" else []
    total = 0
    for step in range(2):
        run(PROJECT, folder, "produce", *broker.options, "--topic", topic, "--count", str(messages // 2), "--seed",
            str(seed + step), "--days", "1", "--continuous", "--quiet", *words)  # fmt: skip
        total += messages // 2 + send_poison(broker, scratch, topic, poison)
        for way in WAYS:
            take(broker, project, folder / way, topic, way)
        compare(project, folder, total, f"{topic}, part {step + 1}")
    # A wider type takes some out of quarantine, everywhere the same, and nothing is lost.
    declare(project, topic, "integer")
    counts = {way: json.loads(run(project, folder / way, "quarantine", "replay", "--json"))[0]["replayed"] for way in WAYS}
    check(counts["straight"] >= 2 and len(set(counts.values())) == 1, "replayed", counts)
    compare(project, folder, total, f"{topic}, replayed")
    # The lake is the truth from which bronze can be made again.
    for way in WAYS[1:]:
        shutil.rmtree(folder / "again", ignore_errors=True)
        (folder / "again").mkdir()
        (folder / way / "lake").rename(folder / "again/lake")
        run(project, folder / "again", "ingest")
        for text in (f"SELECT {COLUMNS} FROM bronze.heart_rate",
                     "SELECT reason, coalesce(raw, '') FROM quarantine.bronze_heart_rate"):  # fmt: skip
            first, second = (fingerprint(query(project, folder / name, text)) for name in ("straight", "again"))
            check(first == second, f"{topic}: bronze made again from {way}:", first, second)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print(f"seed {options.seed}")
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="pulsehouse-paths-") as name, Broker() as broker:
        test_topic(broker, Path(name), "json", options.messages, options.seed, JSON_POISON)
        test_topic(broker, Path(name), "avro", options.messages, options.seed, avro_poison())
    print(f"paths: passed in {time.monotonic() - start:.0f} s")


if __name__ == "__main__":
    main()
