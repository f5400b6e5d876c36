"""Claim: answering a folder costs little beside a bare loop of decode, preprocess and onnxruntime with as many threads.

python benchmarks/batch_prediction.py RUN BUNDLE PHOTOS [--photos 600] [--rounds 1] [--ray]

In turns, in one process, after a first pass over 64 photos: a bare loop, which decodes a batch ahead in threads;
`predict` of the bundle into memory and into a folder; a bare loop of torch over the run's network; `predict` of the
run. With --ray on 2,048 photos, two files of answers: one process, and a local cluster of two workers. Images a second
from the call to its end: opening the model counts, and starting Ray too.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

import visionft as vft
from visionft.bundle import Bundle
from visionft.bundle.prediction_shards import SHARD_ROWS
from visionft.photos import read
from visionft.serving.engine import Engine
from visionft.serving.streaming import BATCH

THREADS = 4
"""Of the bare loops, as many as `predict` takes on a machine of up to four cores."""


def bare(files: list[Path], pixels: Callable[[Any], Any], answer: Callable[[list[Any]], Any]) -> None:
    """Decode a batch ahead in threads while the network answers the one before."""
    batches = [files[start : start + BATCH] for start in range(0, len(files), BATCH)]
    with ThreadPoolExecutor(THREADS) as pool:
        ahead = [pool.submit(lambda file: pixels(read(file)), file) for file in batches[0]]
        for following in [*batches[1:], []]:
            ready = ahead
            ahead = [pool.submit(lambda file: pixels(read(file)), file) for file in following]
            answer([each.result() for each in ready])


def ways(run: Path, bundle: Path, files: list[Path]) -> dict[str, Callable[[], None]]:
    """Return what is timed, by name; each opens its model itself, as `predict` does."""
    import torch

    from visionft.backbones import forward_context
    from visionft.machine.arithmetic import full_precision

    def bare_bundle() -> None:
        engine = Engine(Bundle.open(bundle))
        bare(files, engine.pixels, engine.answer)

    def bare_run() -> None:
        opened = vft.Run.open(run)
        with full_precision(), forward_context(opened.network(), opened.preprocess, device="cpu") as forward:
            bare(files, opened.preprocess.pixels, lambda batch: forward(torch.from_numpy(np.stack(batch))))

    return {
        "bare loop, onnxruntime": bare_bundle,
        "`predict BUNDLE`": lambda: vft.predict(bundle, files) and None,
        "`predict BUNDLE --out FOLDER`": lambda: into_folder(bundle, files),
        "bare loop, torch": bare_run,
        "`predict RUN`": lambda: vft.predict(run, files) and None,
    }


def into_folder(bundle: Path, files: list[Path], **engine: Any) -> None:
    """Answer into a folder that is removed afterwards."""
    with tempfile.TemporaryDirectory() as place:
        vft.predict(bundle, files, out=Path(place) / "answers", **engine)


def clustered(bundle: Path, files: list[Path]) -> dict[str, Callable[[], None]]:
    """Return one process and two workers, on as many photos as two files of answers hold."""
    return {
        "one process": lambda: into_folder(bundle, files),
        "`--engine ray --engine-workers 2`": lambda: into_folder(bundle, files, engine="ray", engine_workers=2),
    }


def main() -> None:
    """Print a line a way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("places", type=Path)
    parser.add_argument("--photos", type=int, default=600)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--ray", action="store_true")
    given = parser.parse_args()
    every = sorted(given.places.rglob("*.jpg"))
    files = every[:: max(1, len(every) // given.photos)][: given.photos]
    many = every[: 2 * SHARD_ROWS] if given.ray else []
    for file in {*files, *many}:
        file.read_bytes()
    seconds: dict[str, list[float]] = {}
    processor: dict[str, list[float]] = {}  # of this process: what others on the machine do hardly changes it
    for way in ways(given.run, given.bundle, files[:64]).values():
        way()
    timed = [(name, len(files), way) for name, way in ways(given.run, given.bundle, files).items()]
    timed += [(name, len(many), way) for name, way in clustered(given.bundle, many).items() if many]
    for turn in range(given.rounds):
        for name, _, way in timed if turn % 2 == 0 else timed[::-1]:
            began, worked = time.perf_counter(), time.process_time()
            way()
            seconds.setdefault(name, []).append(time.perf_counter() - began)
            processor.setdefault(name, []).append(time.process_time() - worked)
    for name, number, _ in timed:
        middle, own = statistics.median(seconds[name]), statistics.median(processor[name])
        print(
            f"| {name} | {number:,} | {number / middle:.1f} | {middle:.1f} | {own:.1f} | {given.rounds} |", flush=True
        )


if __name__ == "__main__":
    main()
