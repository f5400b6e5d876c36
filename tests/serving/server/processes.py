"""A real `visionft serve` in a process of its own, and photos to send to it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from numpy.typing import NDArray
from PIL import Image

ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OMP_NUM_THREADS": "1"}
PATIENCE = 60.0


@dataclass
class Served:
    """A running server: its process, its address, its log and a client."""

    process: subprocess.Popen[str]
    address: str
    log: Path
    client: httpx.Client

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])

    def lines(self) -> list[dict[str, Any]]:
        """Return the log, every line of which is JSON."""
        return [json.loads(line) for line in self.log.read_text(encoding="utf-8").splitlines()]

    def figure(self, name: str) -> float:
        """Return one figure of /metrics by its whole name."""
        text = self.client.get("/metrics").text
        return float(next(line.rpartition(" ")[2] for line in text.splitlines() if line.startswith(f"{name} ")))


@contextmanager
def served(bundle: Path, log: Path, *flags: str, descriptors: int | None = None) -> Iterator[Served]:
    """Serve a bundle on a free port, with so many file descriptors; the process never outlives the block."""
    command = [sys.executable, "-m", "visionft", "serve", str(bundle), "--port", "0", *flags]
    if descriptors is not None:
        command = ["bash", "-c", f'ulimit -n {descriptors}; exec "$@"', "bash", *command]
    with log.open("w") as file:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=file, text=True, env=ENVIRONMENT)
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        found = re.fullmatch(r"serving \S+ \(.*\) at (http://[\d.]+:\d+)\n", line)
        assert found, f"{line!r}\n{log.read_text()}"
        # A connection for each request: a kept one may be closed by the server in the moment in which it is used again.
        with httpx.Client(base_url=found[1], timeout=60, limits=httpx.Limits(max_keepalive_connections=0)) as client:
            yield Served(process, found[1], log, client)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def until(happened: Any) -> None:
    """Wait for something."""
    end = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < end, "it does not happen"
        time.sleep(0.005)


def png(pixels: NDArray[np.uint8]) -> bytes:
    """Return a photo as a file without loss."""
    file = BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def plain(level: int, side: int = 6) -> bytes:
    """Return a grey photo; with a slow bundle, brighter ones take longer."""
    return png(np.full((side, side, 3), level, np.uint8))


def photos(count: int, seed: int = 0) -> list[NDArray[np.uint8]]:
    """Return photos of several sizes with random levels."""
    random = np.random.default_rng(seed)
    return [random.integers(0, 256, (*random.integers(3, 20, 2), 3), np.uint8) for _ in range(count)]
