"""Holds `pulsehouse sink` against kcat: every message of every partition is in the lake exactly once, whatever it is and
whenever the sink is killed, and the lake gives bronze the rows that the topic has.

usage: test_sink.py [--messages N] [--kills N] [--seed S]
"""

from __future__ import annotations

import argparse
import base64
import collections
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "Differential"))
from broker import Broker, delete_topic, kcat  # noqa: E402
from program import PROGRAM, PROJECT, limit, pulsehouse  # noqa: E402

POISON = [
    b"not JSON",
    b"{}",
    b"   ",
    b"!null",
    b"!base64 AAAA",
    b"\xef\xbb\xbf{}",
    b"\x00\xff\x00 binary \n with a line end",
    b'{"user_id":1,\n "heart_rate":80,\n "timestamp":1707696130}',
    b'{"user_id":2,"heart_rate":80,"timestamp":1707696130}\n',
    b'{"user_id":3,"heart_rate":"x","timestamp":1707696130}',
    b'{"user_id":4,"heart_rate":80,"timestamp":-5}',
    b'{"user_id":5,"heart_rate":80,"timestamp":99999999999999999}',
    b'{"user_id":6,"heart_rate":80,"timestamp":null,"other":[1,{"a":2}]}',
    b'{"user_id":7,"heart_rate":80,"timestamp":1707696130,"pad":"' + b"x" * 900_000 + b'"}',
    b"z" * 900_000,
]


def check(truth: bool, *words: object) -> None:
    if not truth:
        raise SystemExit("FAILED: " + " ".join(str(word) for word in words))


def witness(broker: Broker, topic: str) -> dict[int, list[bytes | None]]:
    """Returns what kcat reads of each partition, in order; None for a message without a value."""
    text = kcat(broker, "-C", "-e", "-t", topic, "-o", "beginning", "-f", "%p %S\n%s\n")
    found: dict[int, list[bytes | None]] = collections.defaultdict(list)
    at = 0
    while at < len(text):
        line = text.index(b"\n", at)
        partition, size = (int(word) for word in text[at:line].split())
        start = line + 1
        found[partition].append(text[start : start + size] if size >= 0 else None)
        at = start + max(size, 0) + 1
    return found


def unescaped(line: bytes) -> bytes | None:
    if line == b"!null":
        return None
    return base64.b64decode(line[8:], validate=True) if line.startswith(b"!base64 ") else line


def lake_contents(lake: Path, topic: str) -> dict[int, list[tuple[int, bytes | None]]]:
    """Returns for each partition the lines of all its files, each with its file's first offset."""
    found: dict[int, list[tuple[int, bytes | None]]] = collections.defaultdict(list)
    for path in sorted(lake.glob(f"**/{topic}+*")):
        name, partition, offset = path.name.split(".")[0].split("+")
        check(name == topic, path)
        if path.suffix == ".zst":
            text = subprocess.run(["zstd", "-dcq", str(path)], capture_output=True, check=True).stdout
        else:
            text = path.read_bytes()
        check(text.endswith(b"\n"), "no line end:", path)
        lines = text.split(b"\n")[:-1]
        for line in lines:
            value = unescaped(line)
            found[int(partition)].append((int(offset), value))
            folder = "/".join(path.relative_to(lake).parts[:-1])
            check(folder == folder_of(value), "in a wrong folder:", path, line[:100])
    return found


def folder_of(value: bytes | None) -> str:
    try:
        seconds = json.loads((value or b"").decode())["timestamp"]
        if type(seconds) is int and 0 <= seconds < 253402300800:
            return time.strftime("%Y/%m/%d/%H", time.gmtime(seconds))
    except (ValueError, KeyError, TypeError):
        pass
    return "unknown"


def compare(broker: Broker, lake: Path, topic: str) -> int:
    """Every message once, in its partition, in a file that starts at or before its offset."""
    expected = witness(broker, topic)
    found = lake_contents(lake, topic)
    for partition in expected.keys() | found.keys():
        ours, theirs = found[partition], expected[partition]
        check(
            collections.Counter(value for _, value in ours) == collections.Counter(theirs),
            f"partition {partition}: {len(ours)} in the lake, {len(theirs)} in the topic",
        )
        for offset in {offset for offset, _ in ours}:
            first = next(value for start, value in ours if start == offset)
            check(theirs[offset] == first, f"partition {partition}: offset {offset} does not start its file")
    return sum(len(messages) for messages in expected.values())


def sink(broker: Broker, lake: Path, topic: str, *arguments: str) -> dict[str, int]:
    return json.loads(
        pulsehouse(lake.parent, "sink", *broker.options, "--topic", topic, "--lake", str(lake), "--json", *arguments)
    )


def produce(broker: Broker, data: Path, topic: str, count: int, seed: int, days: int = 2) -> None:
    pulsehouse(
        data, "produce", *broker.options, "--topic", topic, "--count", str(count), "--seed", str(seed), "--days", str(days),
        "--continuous", "--quiet",
    )  # fmt: skip


def produce_poison(broker: Broker, folder: Path, topic: str) -> None:
    for number, value in enumerate(POISON):
        path = folder / f"poison-{number}"
        path.write_bytes(value)
        kcat(broker, "-P", "-t", topic, "-p", str(number % 3), "-D", "\\0never\\0", str(path))
    kcat(broker, "-P", "-t", topic, "-p", "0", "-K", ":", stdin=b"empty:\n")
    kcat(broker, "-P", "-t", topic, "-p", "1", "-K", ":", "-Z", stdin=b"tombstone:\n")


def query(data: Path, text: str) -> list[str]:
    return pulsehouse(data, "sql", "--mode", "csv", "-c", text).splitlines()[1:]


def test_poison(broker: Broker, scratch: Path) -> None:
    """What is no line of JSON is in the lake, and in quarantine with its own bytes once the lake is ingested."""
    topic = "poison"
    produce(broker, scratch, topic, 2000, 1)
    produce_poison(broker, scratch, topic)
    for name, arguments in (("plain", []), ("compressed", ["--zstd"])):
        data = scratch / name
        lake = data / "lake"
        report = sink(broker, lake, topic, *arguments)
        # Two multi-line values, six that are no line, the two without bytes.
        check(report["escaped"] == 9, report)
        total = compare(broker, lake, topic)
        check(report["messages"] == total, report, total)
        check(sink(broker, lake, topic, *arguments)["messages"] == 0, "a second sink wrote again")
        pulsehouse(data, "ingest", "heart_rate")
        read = query(data, "SELECT count(*) FROM bronze.heart_rate")[0]
        refused = query(data, "SELECT count(*) FROM quarantine.bronze_heart_rate")[0]
        check(int(read) + int(refused) == total, f"{read} + {refused} of {total}")
        # An object of several lines is a row; its timestamp shows that it came whole.
        check(query(data, "SELECT timestamp FROM bronze.heart_rate WHERE user_id = 1") == ["1707696130"], "lines")
        raws = query(data, "SELECT DISTINCT raw FROM quarantine.bronze_heart_rate")
        for value in POISON + [b""]:
            if not value.startswith(b"{"):
                check("\\x" + value.hex() in raws, "not in quarantine:", value[:40])


def start_sink(broker: Broker, data: Path, topic: str, lake: Path, *arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [PROGRAM, "--project", str(PROJECT), "--data", str(data), "sink", *broker.options, "--topic", topic,
         "--lake", str(lake), "--follow", "--quiet", *arguments],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip


def leave(process: subprocess.Popen[bytes], seconds: float = 2) -> None:
    """Asks a process to stop; it commits what is in hand and goes."""
    start = time.monotonic()
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    check(process.returncode == 0, f"a stopped sink ended with {process.returncode}: {errors.decode(errors='replace')}")
    check(time.monotonic() - start < limit(seconds), f"it took {time.monotonic() - start:.1f} s to leave")


# Which processes share the six partitions, and how.
LAYOUTS = [["0,1,2,3,4,5"], ["0,1,2", "3,4,5"], ["0,3", "1,4", "2,5"]]


def test_kills(broker: Broker, scratch: Path, messages: int, kills: int, chance: random.Random, *arguments: str) -> None:
    """SIGKILL at random instants, members that come, go and take over, a broker that restarts, while messages come."""
    topic = "kills" + "".join(arguments).replace("--", "-")
    lake = scratch / topic / "lake"
    lake.parent.mkdir(parents=True)
    phases = 4 if kills >= 8 else 2
    share = messages // phases

    def more(seed: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [PROGRAM, "--project", str(PROJECT), "--data", str(scratch), "produce", *broker.options, "--topic", topic,
             "--count", str(share), "--seed", str(seed), "--days", "2", "--continuous", "--rate",
             str(max(1000, messages // 10)), "--quiet"],
            stdout=subprocess.DEVNULL,
        )  # fmt: skip

    produce(broker, scratch, topic, share, 2)
    producer = more(3)
    members: dict[str, subprocess.Popen[bytes]] = {}
    layout = LAYOUTS[0]
    killed = left = restarts = moves = 0
    while killed < kills:
        for seat in layout:
            if seat not in members:
                members[seat] = start_sink(broker, scratch, topic, lake, "--partitions", seat, "--roll-size", "256kB",
                                           "--roll-seconds", "1", *arguments)  # fmt: skip
        time.sleep(chance.choice([0.05, 0.2, 0.5]) + chance.random())
        for member in members.values():
            if member.poll() is not None:
                raise SystemExit(f"the sink ended with {member.returncode}: {member.stderr.read().decode()}")
        victim = members.pop(chance.choice(layout))
        if chance.random() < 0.2:
            leave(victim)
            left += 1
        else:
            os.kill(victim.pid, signal.SIGKILL)
            victim.communicate()
            killed += 1
        if chance.random() < 0.2:
            for member in members.values():
                leave(member)
            members = {}
            layout = chance.choice(LAYOUTS)
            moves += 1
        if restarts < phases - 2 and killed * (phases - 1) >= kills * (restarts + 1):
            # A broker that is stopped forgets what it acknowledged while it stopped: so nobody produces then.
            check(producer.wait(timeout=180) == 0, "produce failed")
            broker.stop(signal.SIGINT)
            time.sleep(0.5)
            broker.start()
            restarts += 1
            producer = more(3 + restarts)
    check(producer.wait(timeout=180) == 0, "produce failed")
    for member in members.values():
        leave(member)
    sink(broker, lake, topic, *arguments)
    total = compare(broker, lake, topic)
    check(total == share * (2 + restarts), f"{total} messages of {share * (2 + restarts)}")
    remains = [path.name for path in (lake / ".sink" / topic).glob("*/*")]
    check(not remains, "left behind:", remains)
    print(f"  {killed} kills, {left} left, {moves} shared anew, {restarts} restarts of the broker: {total} messages, each "
          f"once in the lake {' '.join(arguments)}", flush=True)  # fmt: skip


def test_topic_made_anew(scratch: Path) -> None:
    """A topic of the same name that is another one is told, at the start and while following; nothing is skipped."""
    lake = scratch / "anew" / "lake"
    lake.parent.mkdir(parents=True)
    with Broker() as first:
        produce(first, scratch, "anew", 600, 1)
        sink(first, lake, "anew")
        # Journals without a mark are those of before: nothing to be seen by, and no error.
        follower = start_sink(first, scratch, "anew", lake, "--roll-seconds", "1")
        produce(first, scratch, "anew", 600, 2)
        time.sleep(3)
        compare(first, lake, "anew")
        port = first.port
    with Broker(port=port) as second:
        produce(second, scratch, "anew", 5000, 3)
        try:
            _, errors = follower.communicate(timeout=120)
        except subprocess.TimeoutExpired:
            follower.kill()
            raise SystemExit("FAILED: a sink goes on with a topic that was made anew") from None
        check(follower.returncode == 3 and b"made anew" in errors, follower.returncode, errors.decode())
        total = sum(len(lines) for lines in lake_contents(lake, "anew").values())
        check(total == 1200, f"{total} messages in the lake: the follower took some of another topic")
        command = [PROGRAM, "--project", str(PROJECT), "--data", str(scratch), "sink", *second.options, "--topic", "anew",
                   "--lake", str(lake)]  # fmt: skip
        result = subprocess.run(command, capture_output=True, check=False, timeout=60)
        check(result.returncode == 3 and b"is not the one that was written" in result.stderr,
              "a second sink ended with", result.returncode, result.stderr.decode())  # fmt: skip
        total = sum(len(lines) for lines in lake_contents(lake, "anew").values())
        check(total == 1200, f"{total} messages in the lake: the second sink took some of another topic")
    with Broker(port=port) as third:
        produce(third, scratch, "anew", 300, 4)
        result = subprocess.run(command, capture_output=True, check=False, timeout=60)
        check(result.returncode == 3 and b"before offset" in result.stderr,
              "a sink of a shorter topic ended with", result.returncode, result.stderr.decode())  # fmt: skip


def test_deleted_topic(broker: Broker, scratch: Path) -> None:
    """A topic that is deleted is an error that names it, while it is followed and at the start; what was received stays."""
    lake = scratch / "deleted" / "lake"
    lake.parent.mkdir(parents=True)
    produce(broker, scratch, "deleted", 600, 1)
    follower = start_sink(broker, scratch, "deleted", lake, "--roll-seconds", "1")
    deadline = time.monotonic() + 30
    while sum(len(lines) for lines in lake_contents(lake, "deleted").values()) < 600:
        check(time.monotonic() < deadline, "the sink does not read")
        time.sleep(0.2)
    delete_topic(broker, "deleted")
    try:
        _, errors = follower.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        follower.kill()
        raise SystemExit("FAILED: a sink goes on with a topic that was deleted") from None
    check(follower.returncode == 3 and b"the topic deleted is gone" in errors, follower.returncode, errors.decode())
    command = [PROGRAM, "--project", str(PROJECT), "--data", str(scratch), "sink", *broker.options, "--topic", "deleted",
               "--lake", str(lake)]  # fmt: skip
    result = subprocess.run(command, capture_output=True, check=False, timeout=60)
    check(result.returncode == 3 and b'there is no topic "deleted"' in result.stderr, result.stderr.decode())
    total = sum(len(lines) for lines in lake_contents(lake, "deleted").values())
    check(total == 600, f"{total} messages in the lake")


def test_many_files(broker: Broker, scratch: Path) -> None:
    """A stop with thousands of files on their way makes all of them part of the lake: within two seconds on a disk that
    is not busy otherwise, since what others write is waited for, too."""
    lake = scratch / "many" / "lake"
    lake.parent.mkdir(parents=True)
    produce(broker, scratch, "many", 30_000, 1, days=26)
    follower = start_sink(broker, scratch, "many", lake, "--roll-seconds", "3600")
    count, before, deadline = 0, -1, time.monotonic() + 60
    while count < 3000 or count != before:
        check(time.monotonic() < deadline, f"the sink made {count} files")
        time.sleep(1)
        before, count = count, sum(1 for _ in (lake / ".sink").glob("**/*.part"))
    start = time.monotonic()
    leave(follower, 5)
    seconds = time.monotonic() - start
    print(f"  a stop with {count} files on their way takes {seconds:.2f} s", flush=True)
    compare(broker, lake, "many")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--messages", type=int, default=40_000)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 31))
    options = parser.parse_args()
    print(f"seed {options.seed}")
    chance = random.Random(options.seed)
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="pulsehouse-sink-") as name, Broker() as broker:
        scratch = Path(name)
        test_poison(broker, scratch)
        print("  poison is in the lake and in quarantine")
        test_topic_made_anew(scratch)
        print("  a topic made anew is told", flush=True)
        test_deleted_topic(broker, scratch)
        print("  a deleted topic is told", flush=True)
        test_many_files(broker, scratch)
        test_kills(broker, scratch, options.messages, options.kills, chance)
    # A broker of its own: with millions of messages this one falls behind in writing its log.
    with tempfile.TemporaryDirectory(prefix="pulsehouse-sink-") as name, Broker() as broker:
        test_kills(broker, Path(name), options.messages, max(1, options.kills // 3), chance, "--zstd")
    print(f"sink: passed in {time.monotonic() - start:.0f} s")


if __name__ == "__main__":
    main()
