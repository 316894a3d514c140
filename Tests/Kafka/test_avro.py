"""Avro on the wire: what `produce --format avro` sends reads as what it means by another Avro library, and what that
library writes becomes the rows that JSON becomes. Then quarantine is replayed after the source was mended.
"""

from __future__ import annotations

import io
import json
import shutil
import struct
import sys
import tempfile
import time
from pathlib import Path

import fastavro
from fastavro.schema import fingerprint, to_parsing_canonical_form

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "Differential"))
import subprocess  # noqa: E402

from broker import Broker, kcat  # noqa: E402
from program import PROGRAM, PROJECT  # noqa: E402
from test_sink import check, witness  # noqa: E402

SCHEMA = json.loads((PROJECT / "sources/heart_rate.avsc").read_text())
COLUMNS = """user_id bigint, heart_rate {type}, timestamp bigint, meta.activity_id bigint,
    meta.location.latitude double precision, meta.location.longitude double precision"""


def run(project: Path, data: Path, *arguments: str) -> str:
    command = [PROGRAM, "--project", str(project), "--data", str(data), *arguments]
    result = subprocess.run(command, capture_output=True, check=False)
    check(result.returncode == 0, " ".join(command), result.stderr.decode(errors="replace"))
    return result.stdout.decode()


def query(project: Path, data: Path, text: str) -> list[str]:
    return run(project, data, "sql", "--mode", "csv", "-c", text).splitlines()[1:]


def declare(project: Path, topic: str, kind: str, heart_rate: str = "integer") -> None:
    (project / "sources").mkdir(parents=True, exist_ok=True)
    (project / f"sources/{topic}.sql").write_text(
        f"SOURCE (name bronze.{topic}, kind KAFKA (topic {topic}{kind}), columns ({COLUMNS.format(type=heart_rate)}));"
    )


def single_object(schema: dict, record: dict) -> bytes:
    parsed = fastavro.parse_schema(schema)
    body = io.BytesIO()
    fastavro.schemaless_writer(body, parsed, record)
    number = bytes.fromhex(fingerprint(to_parsing_canonical_form(schema), "CRC-64-AVRO"))
    return b"\xc3\x01" + number + body.getvalue()


def main() -> None:
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="pulsehouse-avro-") as name, Broker() as broker:
        scratch = Path(name)
        project, data = scratch / "project", scratch / "data"
        (project / "sources").mkdir(parents=True)
        shutil.copy(PROJECT / "sources/heart_rate.avsc", project / "sources")
        declare(project, "as_json", "")
        declare(project, "as_avro", ", format avro, schema 'heart_rate.avsc'")
        for topic, words in (("as_json", []), ("as_avro", ["--format", "avro"])):
            run(PROJECT, data, "produce", *broker.options, "--topic", topic, "--count", "20000", "--days", "2",
                "--continuous", "--quiet", *words)  # fmt: skip

        # The messages mean the same to another library.
        texts, objects = witness(broker, "as_json"), witness(broker, "as_avro")
        parsed = fastavro.parse_schema(SCHEMA)
        compared = 0
        for partition, messages in texts.items():
            check(len(messages) == len(objects[partition]), "another number of messages in", partition)
            for text, message in zip(messages, objects[partition], strict=True):
                if text == message:
                    continue
                read = fastavro.schemaless_reader(io.BytesIO(message[10:]), parsed, None)
                check(read == json.loads(text), text, read)
                compared += 1
        check(compared > 19_000, compared, "messages were Avro")

        # What that library writes, and what is no Avro of this schema, which is not lost.
        record = {"user_id": 7, "heart_rate": 61, "timestamp": 1707696130,
                  "meta": {"activity_id": 3, "location": {"latitude": -0.125, "longitude": 1e-9}}}  # fmt: skip
        other = {"type": "record", "name": "Other", "fields": [{"name": "user_id", "type": "long"}]}
        strangers = [single_object(other, {"user_id": 1}), single_object(SCHEMA, record)[:-1], struct.pack("<q", 7)]
        for number, value in enumerate([single_object(SCHEMA, record), *strangers]):
            path = scratch / f"message-{number}"
            path.write_bytes(value)
            kcat(broker, "-P", "-t", "as_avro", "-p", "0", "-D", "\\0never\\0", str(path))
        run(project, data, "ingest", *broker.options)
        values = "user_id, heart_rate, timestamp, activity_id, latitude, longitude"
        # A watch that sends no heart rate sends nothing that the schema takes, so that message is no Avro.
        whole = " AND ".join(f"{name} IS NOT NULL" for name in values.split(", "))
        same = (
            f"SELECT count(*) FROM (SELECT {values} FROM bronze.{{}} WHERE {whole} "
            f"EXCEPT ALL SELECT {values} FROM bronze.{{}}) AS d"
        )
        check(query(project, data, same.format("as_json", "as_avro")) == ["0"], "rows of JSON are missing from Avro")
        check(query(project, data, same.format("as_avro", "as_json")) == ["1"], "Avro has other rows than JSON")
        check(
            query(project, data, "SELECT latitude, longitude FROM bronze.as_avro WHERE user_id = 7 AND heart_rate = 61")
            == ["-0.125,1e-09"],
            "the other library's record",
        )
        raws = query(project, data, "SELECT raw FROM quarantine.bronze_as_avro")
        for value in strangers:
            check("\\x" + value.hex() in raws, "not in quarantine:", value.hex())
        print(f"  {compared} messages of Avro, and the rows of JSON")

        # A heart rate with a fraction does not fit, until the column takes it.
        half = json.dumps({**record, "user_id": 8, "heart_rate": 61.5})
        kcat(broker, "-P", "-t", "as_json", "-p", "1", stdin=half.encode() + b"\n")
        run(project, data, "ingest", *broker.options, "as_json")
        place = "SELECT _partition, _offset FROM {} WHERE "
        before = query(project, data, place.format("quarantine.bronze_as_json") + "reason LIKE '%fraction%'")
        total = query(project, data, "SELECT count(*) FROM bronze.as_json")[0]
        refused = query(project, data, "SELECT count(*) FROM quarantine.bronze_as_json")[0]
        listed = json.loads(run(project, data, "quarantine", "as_json", "--json"))
        check(listed[0]["records"] == int(refused), listed)
        declare(project, "as_json", "", "double precision")
        report = json.loads(run(project, data, "quarantine", "replay", "as_json", "--json"))[0]
        check(report["replayed"] >= 1 and report["adopted"] == ["heart_rate double precision"], report)
        check(query(project, data, place.format("bronze.as_json") + "user_id = 8 AND heart_rate = 61.5") == before, before)
        after = [query(project, data, f"SELECT count(*) FROM {table}")[0]
                 for table in ("bronze.as_json", "quarantine.bronze_as_json")]  # fmt: skip
        check(int(after[0]) + int(after[1]) == int(total) + int(refused), after, total, refused)
        check(json.loads(run(project, data, "quarantine", "replay", "as_json", "--json"))[0]["replayed"] == 0, "twice")
        run(project, data, "ingest", *broker.options, "as_json")
        check(query(project, data, "SELECT count(*) FROM bronze.as_json")[0] == after[0], "read again")
        books = {entry["name"]: entry for entry in json.loads(run(project, data, "status", "--json"))["sources"]}
        mine = books["bronze.as_json"]
        check(mine["records"] == mine["rows"] + mine["quarantined"] and mine["rows"] == int(after[0]), mine)
        print("  a message of quarantine went to bronze with its place, once")
    print(f"avro: passed in {time.monotonic() - start:.0f} s")


if __name__ == "__main__":
    main()
