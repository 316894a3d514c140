"""A process that holds one peer: requests are lines of JSON on standard input, answers lines on standard output."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path


def main() -> None:
    name, folder, threads, is_writing = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4] == "write"
    # Engines print as they like; the answers keep a channel of their own.
    channel = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    from engines import ENGINES

    engine = ENGINES[name](folder, threads, is_writing)
    print("{}", file=channel, flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = serve(engine, request)
        except BaseException as error:  # A panic of an engine in Rust is no Exception.
            answer = {"error": f"{type(error).__name__}: {error}"[:500]}
        print(json.dumps(answer), file=channel, flush=True)


def serve(engine, request: dict) -> dict:
    if request["do"] == "run":
        return {"seconds": engine.run(request["sql"])}
    if request["do"] == "answer":
        import pyarrow.feather

        pyarrow.feather.write_feather(engine.answer(request["sql"]), request["path"], compression="uncompressed")
        return {}
    if request["do"] == "call":
        return {"value": getattr(engine, request["name"])(*request["arguments"])}
    raise ValueError(request["do"])


if __name__ == "__main__":
    main()
