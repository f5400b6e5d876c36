"""A client that asks about a small photo again and again: `python -m tests.serving.server.honest ADDRESS`.

A process of its own, so that its times are not those of attackers who share its interpreter. It asks until its standard
input ends, and prints a list of [status, seconds] as JSON.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np

from tests.serving.server.processes import ENVIRONMENT, plain

_PAUSE = 0.02


class Honest:
    """What such a client was told.

    Attributes:
        told: (status, seconds) of each request, once the client has ended.
    """

    def __init__(self) -> None:
        self.told: list[tuple[int, float]] = []

    def p99(self) -> float:
        return float(np.quantile([seconds for _, seconds in self.told], 0.99))


@contextlib.contextmanager
def honest(address: str) -> Iterator[Honest]:
    """Let such a client ask while the block runs."""
    command, found = [sys.executable, "-m", "tests.serving.server.honest", address], Honest()
    # The client is no part of the package: the repository may be on its path, whichever visionft is under test.
    environment = {**ENVIRONMENT, "PYTHONPATH": str(Path(__file__).resolve().parents[3])}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"asking\n"
        yield found
        out, _ = process.communicate(timeout=120)
    found.told = [(int(status), float(seconds)) for status, seconds in json.loads(out)]


def main() -> None:
    ended, told = threading.Event(), []
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    with httpx.Client(base_url=sys.argv[1], timeout=60, limits=httpx.Limits(max_keepalive_connections=0)) as client:
        print("asking", flush=True)
        while not ended.wait(_PAUSE):
            began = time.monotonic()
            told.append((client.post("/classify", content=plain(9)).status_code, time.monotonic() - began))
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
