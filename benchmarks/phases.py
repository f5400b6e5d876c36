"""One phase of `scaling.py`, in a process of its own.

python benchmarks/phases.py PHASE PHOTOS       the last line is JSON
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

import visionft as vft
from visionft import data, training
from visionft.classes import Classes
from visionft.data import Column, Rows, TrainLoader, TrainPhotos, verify_photos
from visionft.data.caches import cache_folder
from visionft.data.prepare import list_photos
from visionft.data.splitting.draw import draw
from visionft.data.splitting.leakage import leak_notes
from visionft.evaluation import Evaluation
from visionft.evaluation.evaluation import Measured
from visionft.photos import Account
from visionft.settings import AugmentSettings, DataSettings
from visionft.training.eta import Eta

SETTINGS = DataSettings()
LOADED = 20_000  # photos that a loader is timed on
SIDE = 32
BATCH = 64
STUB: dict[str, Any] = {
    "backbone": "test_resnet", "weights": "none", "epochs": 1, "preprocess.size": SIDE, "augment.size": SIDE,
    "optim.batch_size": BATCH, "optim.micro_batch": BATCH, "hardware.device": "cpu", "hardware.workers": 2,
    "hardware.precision": "fp32",
}  # fmt: skip
"""A fit whose network costs next to nothing."""


class FirstStepError(Exception):
    """Training has begun."""


def measured(work: Callable[[], object]) -> dict[str, Any]:
    """Run the work; return its seconds, its processor seconds and the bytes by which the process grew at its peak."""
    pa.default_memory_pool().release_unused()  # else what was freed before would be taken again uncounted
    Path("/proc/self/clear_refs").write_text("5")  # the peak so far is forgotten: imports have a higher one
    before, busy, began = _kilobytes("VmRSS"), _processor_seconds(), time.perf_counter()
    work()
    return {
        "seconds": round(time.perf_counter() - began, 4),
        "processor_seconds": round(_processor_seconds() - busy, 4),
        "bytes": 1024 * max(0, _kilobytes("VmHWM") - before),
    }


def _processor_seconds() -> float:
    own_and_ended = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in own_and_ended)


def _kilobytes(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith(f"{name}:")))


def _evict(photos: Path) -> None:
    """Take every photo out of memory: whether a folder fits there says nothing about its number of photos."""
    for path in list_photos(photos, SETTINGS).table["path"].to_pylist():
        file = os.open(photos / path, os.O_RDONLY)
        os.fsync(file)  # what is not on disk yet would stay
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(file)


def listing(photos: Path) -> dict[str, Any]:
    """List the folder."""
    return measured(lambda: list_photos(photos, SETTINGS))


def check(photos: Path) -> dict[str, Any]:
    """Decode and hash every photo that is not known as unchanged."""
    listed, found = list_photos(photos, SETTINGS), []
    row = measured(lambda: found.append(verify_photos.check(listed, SETTINGS.max_pixels, remember=True)))
    return {**row, "unchanged": found[0].unchanged}


def first(work: Callable[[Path], dict[str, Any]], photos: Path) -> dict[str, Any]:
    """Run a phase that finds no cache, and the photos on disk alone."""
    shutil.rmtree(cache_folder.root() / "scans", ignore_errors=True)
    _evict(photos)
    return work(photos)


def split(photos: Path) -> dict[str, Any]:
    """Draw the sides and look for duplicates."""
    table = verify_photos.check(list_photos(photos, SETTINGS), SETTINGS.max_pixels, remember=True).table

    def work() -> None:
        sides = draw(table, SETTINGS.validation, SETTINGS.test)
        leak_notes(table.set_column(table.column_names.index("split"), "split", sides))

    return measured(work)


def prepare(photos: Path) -> dict[str, Any]:
    """Make the manifest, as every command does."""
    found: list[data.Manifest] = []
    row = measured(lambda: found.append(data.prepare(photos, SETTINGS)))
    return {**row, "unchanged": found[0].unchanged}


def start(photos: Path) -> dict[str, Any]:
    """Run a fit until its first step is done; what is unchanged stays closed."""
    assert training.train, "imports are no part of what grows"

    def stop(*_: object) -> None:
        raise FirstStepError

    Eta.stepped = stop  # type: ignore[method-assign]

    def fit() -> None:
        with tempfile.TemporaryDirectory() as out:
            try:
                vft.fit(photos, out=Path(out) / "run", say=lambda line: print(line, file=sys.stderr), **STUB)
            except FirstStepError:
                return
        raise SystemExit("the fit ended without a step")

    return measured(fit)


def load(photos: Path, workers: int) -> dict[str, Any]:
    """Fill batches for a network that does nothing; `alone` is the processor time of the photos without a loader."""
    manifest = data.prepare(photos, SETTINGS)
    dataset = TrainPhotos(
        manifest.rows("train"), manifest.root, AugmentSettings(strength="none"), (SIDE, SIDE), (0, 0, 0), 0
    )
    loader = TrainLoader(dataset, BATCH, 0, workers)
    steps = min(LOADED // BATCH, loader.steps_per_epoch)
    order = data.permutation(0, 0, len(dataset))[: steps * BATCH].tolist()
    began = _processor_seconds()
    for index in order:
        dataset[(0, index)]
    alone = _processor_seconds() - began

    def work() -> None:
        deque(islice(loader, steps), maxlen=0)
        loader.close()

    return {**measured(work), "photos": steps * BATCH, "alone": round(alone, 4)}


def answers(photos: Path) -> dict[str, Any]:
    """Make the figures of an evaluation and write an answer for each photo."""
    paths = Column(pc.cast(list_photos(photos, SETTINGS).table["path"], "string").combine_chunks())
    random, n, classes = np.random.default_rng(0), len(paths), Classes.of("abcdefghij")
    logits, labels = random.normal(size=(n, 10)).astype(np.float32), random.integers(0, 10, n)

    measurement = Measured("test", Rows(paths, labels, paths), photos, Account(n, n))

    def work() -> None:
        with tempfile.TemporaryDirectory() as out:
            Evaluation.of(photos, measurement, classes, logits).write(Path(out) / "test")

    return measured(work)


PHASES: dict[str, Callable[[Path], dict[str, Any]]] = {
    "list": listing,
    "check, first": partial(first, check),
    "check, again": check,
    "split": split,
    "prepare, first": partial(first, prepare),
    "prepare, again": prepare,
    "start": start,
    "load, 0 workers": lambda photos: load(photos, 0),
    "load, 2 workers": lambda photos: load(photos, 2),
    "answers": answers,
}

if __name__ == "__main__":
    print(json.dumps(PHASES[sys.argv[1]](Path(sys.argv[2]))))
