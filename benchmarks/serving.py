"""Claim: the server reaches at least 70 % of a bare loop that does the same work; it starts in under 1.5 s.

python benchmarks/serving.py BUNDLE [--clients 1 8 64] [--seconds 20] [--starts 10] [--photos FOLDER]

The bare loop decodes a photo and runs the whole model on it, one after another in one process. It is timed before and
after the server, whose clients are a process of their own on the same cores. `share` is the server's requests a second
over the mean of the two. Every label is compared with the loop's.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import numpy as np
from cells import SHARED, Cells

from visionft import photos
from visionft.bundle import Bundle
from visionft.serving import Session

PHOTOS = 64
HERE = Path(__file__).parent


@contextmanager
def served(bundle: Path) -> Iterator[str]:
    """Serve a bundle on a free port and yield the address."""
    command = [sys.executable, "-m", "visionft", "serve", str(bundle), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().split()[-1]
        finally:
            process.terminate()


def start(bundle: Path, photo: bytes) -> float:
    """Return the seconds from the start of a process to its first answer."""
    began = time.perf_counter()
    with served(bundle) as address, urlopen(Request(f"{address}/classify", data=photo)) as answer:
        assert json.load(answer)["answers"][0]["label"]
        return time.perf_counter() - began


def bare(session: Session, files: list[bytes], seconds: float) -> tuple[float, list[str]]:
    """Answer photos one after another; return photos a second, and the label of each."""
    labels = [session.answer(photos.decode(data)).label for data in files]
    began, done = time.perf_counter(), 0
    while time.perf_counter() - began < seconds:
        session.answer(photos.decode(files[done % len(files)]))
        done += 1
    return done / (time.perf_counter() - began), labels


def load(address: str, folder: Path, clients: int, seconds: float) -> dict[str, Any]:
    """Run the clients in a process of their own and return what they saw."""
    command = [sys.executable, HERE / "asking.py", address, folder, str(clients), str(seconds)]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def under_load(bundle: Path, folder: Path, clients: int, seconds: float) -> dict[str, Any]:
    """Measure one number of clients between two runs of the bare loop."""
    files = [file.read_bytes() for file in sorted(folder.iterdir())]
    session = Session(bundle)
    before, labels = bare(session, files, seconds / 2)
    with served(bundle) as address:
        load(address, folder, clients, min(2.0, seconds))  # the first second of a process is not its usual one
        seen = load(address, folder, clients, seconds)
    after, _ = bare(session, files, seconds / 2)
    rate, loop = len(seen["answers"]) / seen["seconds"], (before + after) / 2
    return {
        "requests": len(seen["answers"]),
        "requests_per_second": round(rate, 1),
        "p50_ms": round(float(np.percentile(seen["milliseconds"], 50)), 2),
        "p99_ms": round(float(np.percentile(seen["milliseconds"], 99)), 2),
        "bare_per_second": [round(before, 1), round(after, 1)],
        "share": round(rate / loop, 3),
        "not_200": sum(status != 200 for status in seen["statuses"]),
        "wrong": sum(label not in (None, labels[photo]) for photo, label in seen["answers"]),
    }


def cold(bundle: Path, folder: Path, starts: int) -> dict[str, Any]:
    """Measure starts, the first of which fills the caches of the disk."""
    photo = next(folder.iterdir()).read_bytes()
    seconds = [start(bundle, photo) for _ in range(starts + 1)][1:]
    return {"n": starts, "median_s": round(statistics.median(seconds), 3), "worst_s": round(max(seconds), 3)}


def main() -> None:
    """Measure what is not measured yet."""
    parser = argparse.ArgumentParser()
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--clients", type=int, nargs="*", default=[1, 8, 64])
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--starts", type=int, default=10)
    parser.add_argument("--photos", type=Path, default=SHARED / "data" / "clothing")
    given = parser.parse_args()
    cells, backbone = Cells("serving"), Bundle.open(given.bundle).record.backbone
    with tempfile.TemporaryDirectory() as place:
        folder, found = Path(place), sorted(given.photos.rglob("*.jpg"))
        for number, file in enumerate(found[:: max(1, len(found) // PHOTOS)][:PHOTOS]):
            shutil.copy(file, folder / f"{number:03}.jpg")
        key = {"backbone": backbone, "photos": given.photos.name}
        cells.measure({**key, "what": "cold start"}, lambda: cold(given.bundle, folder, given.starts))
        for clients in given.clients:
            load_key = {**key, "what": "load", "clients": clients, "seconds": given.seconds}
            cells.measure(load_key, lambda n=clients: under_load(given.bundle, folder, n, given.seconds))


if __name__ == "__main__":
    main()
