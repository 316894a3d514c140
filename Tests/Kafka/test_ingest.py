"""Holds `pulsehouse produce` and `pulsehouse ingest` against kcat and a broker of its own: what one produced the other
reads, every message is in bronze or in quarantine exactly once whatever dies, and no gap is passed over in silence.

usage: test_ingest.py [--messages N] [--kills N] [--seed S]
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "Differential"))
from broker import Broker, add_partitions, delete_topic, kcat  # noqa: E402
from program import PROGRAM, limit  # noqa: E402

COLUMNS = "user_id, heart_rate, timestamp, activity_id, latitude, longitude"


def check(truth: bool, *words: object) -> None:
    if not truth:
        raise SystemExit("FAILED: " + " ".join(str(word) for word in words))


class House:
    """A warehouse whose only source is one topic."""

    def __init__(self, folder: Path, broker: Broker, topic: str, more: str = "") -> None:
        self.folder, self.broker, self.topic = folder, broker, topic
        self.data = folder / "data"
        (folder / "sources").mkdir(parents=True)
        self.data.mkdir()
        (folder / "sources" / "heart_rate.sql").write_text(f"""
            SOURCE (
              name bronze.heart_rate,
              kind KAFKA (topic {topic}, brokers '{broker.address}', group '{topic}-readers'{more}),
              columns (
                user_id bigint, heart_rate integer, timestamp bigint, meta.activity_id bigint,
                meta.location.latitude double precision, meta.location.longitude double precision
              ),
              on_error QUARANTINE
            );""")

    def command(self, *arguments: str) -> list[str]:
        return [PROGRAM, "--project", str(self.folder), "--data", str(self.data), *arguments]

    def run(self, *arguments: str, code: int = 0) -> tuple[str, str]:
        result = subprocess.run(self.command(*arguments), capture_output=True, check=False, timeout=120)
        output, errors = result.stdout.decode(), result.stderr.decode(errors="replace")
        check(result.returncode == code, f"{arguments} ended with {result.returncode}, not {code}:\n{output}\n{errors}")
        return output, errors

    def properties(self) -> list[str]:
        return self.broker.options[2:]

    def ingest(self, *arguments: str, code: int = 0) -> tuple[dict, str]:
        output, errors = self.run("ingest", "--json", *self.properties(), *arguments, code=code)
        return (json.loads(output)[0] if code == 0 else {}), errors

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        command = self.command("ingest", "--quiet", *self.properties(), *arguments)
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def rows(self, query: str) -> list[str]:
        return self.run("sql", "--mode", "csv", "-c", query)[0].splitlines()[1:]

    def numbers(self, query: str) -> list[int]:
        return [int(word) for word in self.rows(query)[0].split(",")]

    def produce(self, count: int, seed: int, *arguments: str) -> None:
        report = json.loads(
            self.run("produce", *self.broker.options, "--topic", self.topic, "--count", str(count), "--seed", str(seed),
                     "--days", "2", "--continuous", "--json", "--quiet", *arguments)[0]
        )  # fmt: skip
        check(report["delivered"] == count and report["failed"] == 0, report)

    def partitions(self) -> list[dict]:
        return json.loads(self.run("status", "--json", *self.broker.options)[0])["partitions"]

    def all_partitions(self) -> list[dict]:
        """The same, also where nothing was ingested yet."""
        return self.partitions() if (self.data / "tables" / "commits").exists() else []

    def compare(self, ends: dict[int, int]) -> None:
        """Every offset of every partition once, in bronze or in quarantine, and the books say the same."""
        tables = json.loads(self.run("status", "--json")[0])["tables"]
        has_quarantine = any(table["name"] == "quarantine.bronze_heart_rate" for table in tables)
        places = "SELECT _partition, _offset FROM bronze.heart_rate"
        if has_quarantine:
            places += " UNION ALL SELECT _partition, _offset FROM quarantine.bronze_heart_rate"
        found = self.rows(
            f"SELECT _partition, count(*), count(DISTINCT _offset), min(_offset), max(_offset) FROM ({places}) AS p "
            "GROUP BY _partition ORDER BY _partition"
        )
        expected = [f"{p},{end},{end},0,{end - 1}" for p, end in sorted(ends.items()) if end > 0]
        check(found == expected, f"found {found}, expected {expected}")
        for state in self.partitions():
            check(state["records"] == state["rows"] + state["quarantined"], "books", state)
            check(state["offset"] == ends[state["partition"]] == state["records"], "offset", state, ends)
            check(state["lag"] == 0, "lag", state)


def ends(broker: Broker, topic: str) -> dict[int, int]:
    """What kcat sees of each partition."""
    found: dict[int, int] = collections.Counter()
    for line in kcat(broker, "-C", "-e", "-t", topic, "-o", "beginning", "-f", "%p %o\n").decode().splitlines():
        partition, offset = (int(word) for word in line.split())
        found[partition] = max(found[partition], offset + 1)
    return dict(found)


def test_produce(broker: Broker, scratch: Path) -> None:
    """kcat reads what produce sent: the lines that generate writes, each under its user's key, in one partition."""
    house = House(scratch / "produce", broker, "produced")
    house.produce(20_000, 7)
    house.run("generate", "--events", "20000", "--seed", "7", "--days", "2", "--continuous")
    lines = [line for path in (house.data / "lake").rglob("*.jsonl") for line in path.read_bytes().splitlines()]
    text = kcat(broker, "-C", "-e", "-t", "produced", "-o", "beginning", "-f", "%p\t%k\t%s\n")
    messages = [line.split(b"\t", 2) for line in text.splitlines()]
    check(collections.Counter(lines) == collections.Counter(value for _, _, value in messages), "other messages")
    homes: dict[bytes, set[bytes]] = collections.defaultdict(set)
    for partition, key, value in messages:
        homes[key].add(partition)
        if value.startswith(b'{"user_id":'):
            try:
                check(str(json.loads(value).get("user_id", key.decode())).strip('"') == key.decode(), key, value)
            except ValueError:
                pass
    check(all(len(partitions) == 1 for partitions in homes.values()), "a key in two partitions")
    check({p for ps in homes.values() for p in ps} == {b"0", b"1", b"2", b"3", b"4", b"5"}, "not six partitions")

    # Ingested directly and by way of the lake, bronze has the same rows.
    report, _ = house.ingest()
    check(report["records"] == 20_000 and report["partitions"] == 6, report)
    house.compare(ends(broker, "produced"))
    check(house.ingest()[0]["records"] == 0, "a second ingest read again")
    other = House(scratch / "by-lake", broker, "produced")
    source = other.folder / "sources" / "heart_rate.sql"
    text_of_source = source.read_text()
    start, end = text_of_source.index("kind KAFKA"), text_of_source.index("),\n              columns")
    source.write_text(text_of_source[:start] + f"kind LAKE (path '{house.data / 'lake'}'" + text_of_source[end:])
    other.run("ingest")
    for query in (
        f"SELECT {COLUMNS} FROM bronze.heart_rate ORDER BY {COLUMNS}",
        "SELECT raw FROM quarantine.bronze_heart_rate ORDER BY raw",
    ):
        check(house.rows(query) == other.rows(query), "the two ways differ:", query)


POISON: list[tuple[bytes, str | None]] = [
    (b"not JSON", "bad"),
    (b"[1, 2]", "bad"),
    (b'{"user_id": "seven"}', "bad"),
    (b'{"user_id": 1.5}', "bad"),
    (b'{"user_id": 99999999999999999999}', "bad"),
    (b'{"user_id": 1', "bad"),
    (b"\x00\xff\xfe binary", "bad"),
    (b"   ", "bad"),
    (b"x" * 900_000, "bad"),
    (b'{"user_id": 1, "user_id": 11}', None),
    (b'{"user_id": 2, "unknown": {"deep": [1, {"a": null}]}}', None),
    (b'{\n  "user_id": 3,\n  "heart_rate": 80\n}', None),
    (b'{"user_id": 4, "pad": "' + b"y" * 900_000 + b'"}', None),
    (b'{"user_id": 5, "heart_rate": null, "timestamp": 9223372036854775807}', None),
    (b"{}", None),
]


def test_poison(broker: Broker, scratch: Path) -> None:
    """What kcat sends is in bronze or in quarantine with its place, reason and bytes; nothing stops the stream."""
    house = House(scratch / "poison", broker, "poison")
    house.produce(3000, 1)
    before = ends(broker, "poison")
    for number, (value, _) in enumerate(POISON):
        path = house.folder / f"poison-{number}"
        path.write_bytes(value)
        kcat(broker, "-P", "-t", "poison", "-p", "2", "-k", "same key", "-H", "trace=1", "-H", "trace=2",
             "-D", "\\0never\\0", str(path))  # fmt: skip
    kcat(broker, "-P", "-t", "poison", "-p", "3", "-K", ":", "-Z", stdin=b"tombstone:\n")
    kcat(broker, "-P", "-t", "poison", "-p", "4", "-K", ":", stdin=b"empty:\n")
    report, _ = house.ingest()
    total = 3000 + len(POISON) + 2
    check(report["records"] == total == report["rows"] + report["quarantined"], report)
    house.compare(ends(broker, "poison"))
    for number, (value, kind) in enumerate(POISON):
        place = f"_partition = 2 AND _offset = {before[2] + number}"
        refused = house.rows(f"SELECT raw, _key, _topic FROM quarantine.bronze_heart_rate WHERE {place}")
        taken = house.rows(f"SELECT 1 FROM bronze.heart_rate WHERE {place}")
        if kind is None:
            check(taken == ["1"] and not refused, f"not in bronze: {value[:60]!r}")
        else:
            check(not taken, f"in bronze: {value[:60]!r}")
            check(refused == [f"\\x{value.hex()},\\x{b'same key'.hex()},poison"], f"quarantine of {value[:60]!r}")
    check(house.rows("SELECT user_id FROM bronze.heart_rate WHERE user_id = 11") == ["11"], "the last key counts")
    words = "SELECT reason, raw IS NULL, _key IS NOT NULL FROM quarantine.bronze_heart_rate"
    null = house.rows(f"{words} WHERE _partition = 3 AND _offset = {before[3]}")
    check(null == ["a null value (a tombstone),t,t"], null)
    empty = house.rows(f"{words} WHERE _partition = 4 AND _offset = {before[4]}")
    check(empty == ["an empty value,f,t"], empty)


def start_producer(house: House, count: int, seed: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        house.command("produce", *house.broker.options, "--topic", house.topic, "--count", str(count), "--seed", str(seed),
                      "--days", "2", "--continuous", "--rate", str(max(1000, count // 5)), "--json"),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def finish(process: subprocess.Popen[bytes]) -> None:
    _, errors = process.communicate(timeout=180)
    check(process.returncode == 0, f"a process ended with {process.returncode}: {errors.decode()}")


def test_kills(broker: Broker, scratch: Path, messages: int, kills: int, chance: random.Random) -> None:
    """SIGKILL at random instants, members that join and leave, a broker that restarts: every offset exactly once."""
    house = House(scratch / "kills", broker, "kills")
    phases = 4
    # A broker that is stopped forgets what it acknowledged while it stopped: so nobody produces then.
    producer = start_producer(house, messages // phases, 0)
    deadline = time.monotonic() + 30
    while b'topic "kills"' not in kcat(broker, "-L") and time.monotonic() < deadline:
        time.sleep(0.1)
    members: list[subprocess.Popen[bytes]] = []

    def join() -> None:
        members.append(
            house.start("--follow", "--commit-seconds", str(chance.choice([0.05, 0.3, 1])), "--commit-rows",
                        str(chance.choice([500, 5000]))))  # fmt: skip

    killed = left = restarts = 0
    while killed < kills:
        for member in [member for member in members if member.poll() is not None]:
            raise SystemExit(f"an ingest ended with {member.returncode}: {member.stderr.read().decode()}")
        while len(members) < chance.choice([2, 2, 3]):
            join()
        time.sleep(chance.choice([0.1, 0.5, 1.5]) * (0.5 + chance.random()))
        victim = members.pop(chance.randrange(len(members)))
        if chance.random() < 0.2:
            victim.send_signal(signal.SIGTERM)
            start = time.monotonic()
            _, errors = victim.communicate(timeout=30)
            # It may not have got so far as to hear the signal.
            code = victim.returncode
            check(code in (0, -signal.SIGTERM), f"a stopped ingest ended with {code}: {errors.decode()}")
            check(time.monotonic() - start < limit(2), f"it took {time.monotonic() - start:.1f} s to leave")
            left += 1
        else:
            os.kill(victim.pid, signal.SIGKILL)
            victim.communicate()
            killed += 1
        if restarts < phases - 1 and killed * phases >= kills * (restarts + 1):
            finish(producer)
            broker.stop(signal.SIGINT)
            time.sleep(0.5)
            broker.start()
            restarts += 1
            producer = start_producer(house, messages // phases, restarts)
    finish(producer)
    for member in members:
        member.send_signal(signal.SIGTERM)
    for member in members:
        finish(member)
    # Two that catch up together: when they end nothing is left, whoever was to read it.
    both = [house.start() for _ in range(2)]
    for process in both:
        finish(process)
    expected = ends(broker, "kills")
    house.compare(expected)
    check(house.ingest()[0]["records"] == 0, "two that ended left something to be read")
    total = sum(expected.values())
    check(total == messages // phases * phases, f"{total} messages in the topic, {messages} acknowledged")
    print(f"  {killed} kills, {left} left, {restarts} restarts of the broker: {total} messages, each exactly once")


def test_stop(broker: Broker, scratch: Path) -> None:
    """SIGTERM commits what is in hand and leaves within two seconds; the group knows the offsets."""
    house = House(scratch / "stop", broker, "stop")
    house.produce(5000, 1)
    process = house.start("--follow", "--commit-seconds", "3600")
    # Its commits would be an hour away, so nothing tells when it has taken what there is.
    time.sleep(4)
    leave(process)
    house.compare(ends(broker, "stop"))
    with Broker() as other:
        away = House(scratch / "away", other, "away")
        away.produce(1000, 1)
        away.produce(1000, 2)
        process = away.start("--follow", "--commit-seconds", "0.2")
        wait_for(away, 2000)
        other.stop()
        time.sleep(1)
        leave(process)
        # One that cannot even begin.
        process = away.start("--follow")
        time.sleep(1)
        leave(process)


def test_added(broker: Broker, scratch: Path) -> None:
    """Partitions that are added to a topic while it is followed are taken, and shared."""
    house = House(scratch / "added", broker, "added")
    house.produce(1000, 1)
    followers = [house.start("--follow", "--commit-seconds", "0.2") for _ in range(2)]
    wait_for(house, 1000)
    # So that both have counted.
    time.sleep(1)
    add_partitions(broker, "added", 9)
    house.produce(3000, 2)
    expected = ends(broker, "added")
    check(len(expected) == 9, expected)
    deadline = time.monotonic() + 40
    while {state["partition"]: state["offset"] for state in house.all_partitions()} != expected:
        check(time.monotonic() < deadline, "added partitions are not read:", house.all_partitions())
        time.sleep(0.5)
    for process in followers:
        leave(process)
    house.compare(expected)


def test_deleted(broker: Broker, scratch: Path) -> None:
    """A topic that is deleted is an error that names it, while it is followed and at the start; what was read stays, and
    a topic of that name that comes later is not taken for the same."""
    house = House(scratch / "deleted", broker, "deleted")
    house.produce(2000, 1)
    follower = house.start("--follow", "--commit-seconds", "0.2")
    wait_for(house, 2000)
    delete_topic(broker, "deleted")
    try:
        _, text = follower.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        follower.kill()
        raise SystemExit("FAILED: a follower goes on with a topic that was deleted") from None
    check(follower.returncode == 3 and b"the topic deleted is gone" in text, follower.returncode, text.decode())
    _, errors = house.ingest(code=3)
    check('there is no topic "deleted"' in errors, errors)
    _, errors = house.run("ingest", "--follow", *house.properties(), code=3)
    check('there is no topic "deleted"' in errors, errors)
    state = house.partitions()
    check(sum(one["records"] for one in state) == 2000, state)
    check(house.numbers("SELECT count(*) FROM bronze.heart_rate") == [sum(one["rows"] for one in state)], "rows went")
    house.produce(300, 2)
    _, errors = house.ingest(code=3)
    check("made anew" in errors and "--on-gap" in errors, errors)


def wait_for(house: House, messages: int) -> None:
    """Waits until so many messages are committed."""
    deadline = time.monotonic() + 30
    while sum(state["offset"] for state in house.all_partitions()) < messages:
        check(time.monotonic() < deadline, "it does not read")
        time.sleep(0.1)


def leave(process: subprocess.Popen[bytes]) -> None:
    start = time.monotonic()
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=30)
    seconds = time.monotonic() - start
    check(process.returncode == 0, errors.decode())
    check(seconds < limit(2), f"it left after {seconds:.1f} s")


def test_gaps(scratch: Path) -> None:
    """A topic made anew is an error in words, with a choice; nothing is skipped in silence."""
    with Broker() as first:
        house = House(scratch / "gaps", first, "gaps")
        house.produce(3000, 1)
        house.ingest()
        port = first.port
    # Another broker under the same address, whose topic of that name is shorter.
    with Broker(port=port) as second:
        house.broker = second
        house.produce(300, 2)
        _, errors = house.ingest(code=3)
        check("made anew" in errors and "--on-gap" in errors, errors)
        last = json.loads(house.run("status", "--json")[0])["partitions"][0]["last_error"]
        check(last is not None and "was read up to" in last, last)
        check(house.numbers("SELECT count(*) FROM bronze.heart_rate")[0] <= 3000, "rows appeared")
        report, _ = house.ingest("--on-gap", "skip")
        check(report["records"] == 0 and any(w["kind"] == "gap" for w in report["warnings"]), report)
        house.produce(600, 3)
        new = house.ingest()[0]["records"]
        check(new == 600, f"{new} of 600 new messages")
        shutil.rmtree(house.data)
        house.data.mkdir()
        check(house.ingest()[0]["records"] == 900, "a fresh warehouse reads from the beginning")
    # And one that is longer: only the message last read tells that it is another topic.
    with Broker(port=port) as third:
        house.broker = third
        house.produce(5000, 4)
        _, errors = house.ingest(code=3)
        check("is not the one that was read" in errors and "--on-gap" in errors, errors)
        report, _ = house.ingest("--on-gap", "restart")
        check(report["records"] == 5000, report)
        follower = house.start("--follow", "--commit-seconds", "1")
        house.produce(500, 5)
        deadline = time.monotonic() + 30
        while any(state["lag"] != 0 for state in house.partitions()):
            check(time.monotonic() < deadline, house.partitions())
            time.sleep(0.5)
        before = [(state["partition"], state["offset"], state["rows"]) for state in house.all_partitions()]
    # While it is followed, too.
    with Broker(port=port) as fourth:
        house.broker = fourth
        house.produce(20_000, 6)
        try:
            _, text = follower.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            follower.kill()
            raise SystemExit("FAILED: a follower goes on with a topic that was made anew") from None
        check(follower.returncode == 3 and b"made anew" in text and b"--on-gap" in text, follower.returncode, text.decode())
        after = [(state["partition"], state["offset"], state["rows"]) for state in house.all_partitions()]
        check(after == before, "the follower took messages of another topic:", before, after)


def test_errors(broker: Broker, scratch: Path) -> None:
    """What a user can get wrong ends with words, a hint and the exit code of its kind; secrets are not shown."""
    house = House(scratch / "errors", broker, "no-such-topic")
    _, errors = house.ingest(code=3)
    check('there is no topic "no-such-topic"' in errors, errors)
    for arguments, code, words in (
        (["--brokers", "127.0.0.1:1", "--count", "1"], 5, "127.0.0.1:1"),
        (["--brokers", broker.address, "--property", "sasl.password=hunter2"], 2, "must not be written out"),
        (["--brokers", broker.address, "--property", "no.such=1"], 3, "no.such"),
        (["--brokers", broker.address, "--property", "acks=0"], 2, "acks"),
        (["--brokers", broker.address, "--rate", "fast"], 2, "--rate"),
        (["--count", "1"], 2, "--brokers"),
    ):
        _, errors = house.run("produce", *arguments, code=code)
        check(words in errors and "hunter2" not in errors, arguments, errors)
    house.run("ingest", "--follow", "--on-gap", "perhaps", code=2)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 31))
    options = parser.parse_args()
    print(f"seed {options.seed}")
    chance = random.Random(options.seed)
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="pulsehouse-kafka-") as name, Broker() as broker:
        scratch = Path(name)
        for test in (test_errors, test_produce, test_poison, test_stop, test_added, test_deleted):
            began = time.monotonic()
            test(broker, scratch)
            print(f"  {test.__name__[5:]}: {time.monotonic() - began:.1f} s", flush=True)
        test_gaps(scratch)
        print("  gaps are told", flush=True)
        if options.kills > 0:
            test_kills(broker, scratch, options.messages, options.kills, chance)
    print(f"kafka: passed in {time.monotonic() - start:.0f} s")


if __name__ == "__main__":
    main()
