"""Measurements that grow over time: one JSON line for each finished cell; finished cells are skipped."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
RUNS = RESULTS.parents[1] / "build" / "runs"
SHARED = Path(os.environ.get("VISIONFT_SHARED", Path(__file__).parents[2] / "shared"))


class Cells:
    """The finished cells of one benchmark, in results/NAME.jsonl or in a file given."""

    def __init__(self, name: str | Path) -> None:
        RESULTS.mkdir(exist_ok=True)
        self.path = name if isinstance(name, Path) else RESULTS / f"{name}.jsonl"
        lines = self.path.read_text().splitlines() if self.path.is_file() else []
        self.rows: list[dict[str, Any]] = [json.loads(line) for line in lines]

    def measure(self, key: dict[str, Any], work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Return the cell of this key, measured now unless it was before."""
        for row in self.rows:
            if row["key"] == key:
                return row
        row = {"key": key, **work(), "machine": machine(), "date": time.strftime("%Y-%m-%d")}
        with self.path.open("a") as file:
            file.write(json.dumps(row) + "\n")
        self.rows.append(row)
        print(json.dumps(row), flush=True)
        return row

    def keep(self, rows: list[dict[str, Any]]) -> None:
        """Write the file anew with these cells alone, in this order."""
        if rows != self.rows:
            self.path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        self.rows = rows


@contextmanager
def fresh() -> Iterator[dict[str, str]]:
    """Yield an environment in which visionft's caches are empty."""
    with tempfile.TemporaryDirectory() as place:
        yield {**os.environ, "VISIONFT_CACHE": place}


def told(*words: object, cache: Path | None = None) -> tuple[dict[str, Any], float]:
    """Run Python with these words in a process of its own; return the JSON of its last line and its seconds.

    Args:
        words: of its command line.
        cache: where visionft keeps what later runs find again; none: in a new folder, so that nothing is found.

    Raises:
        SystemExit: it failed; with the words and what it said.
    """
    command = [sys.executable, *map(str, words)]
    with fresh() as environment:
        if cache is not None:
            environment["VISIONFT_CACHE"] = str(cache)
        began = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        seconds = time.perf_counter() - began
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1]), seconds


def machine() -> dict[str, Any]:
    """Return hardware and versions, for every row."""
    names = ("torch", "timm", "lightning", "onnxruntime")
    model = next(
        (line.split(":")[1].strip() for line in _cpuinfo() if line.startswith("model name")), platform.processor()
    )
    return {"processor": model, "cores": os.cpu_count(), "versions": {name: metadata.version(name) for name in names}}


def _cpuinfo() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.is_file() else []
