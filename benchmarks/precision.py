"""Claim: int8 is smaller and faster than fp32 at the same accuracy, once the few nodes that spoil it stay in float.

python benchmarks/precision.py RUN...     measures fp32, fp16 and int8 of each run on its test photos

Each cell chooses its recipe as `visionft export --precision` does, on training photos alone. Flips are counted on the
test photos, each alone and in batches of 32; times are of the network half, in turn with fp32 at batch 1, 8 and 32
(champion_ms is fp32's).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import cached_property
from typing import Any

import numpy as np
import onnxruntime as ort
from cells import Cells
from numpy.typing import NDArray
from onnx import ModelProto

import visionft as vft
from visionft.bundle.names import LOGITS, PIXELS
from visionft.exporting.onnx_model import build
from visionft.exporting.parity_photos import read_photos, stratified
from visionft.exporting.quantization.core_graph import core_of, spliced
from visionft.exporting.quantization.recipe_search import CALIBRATING, CHOOSING, search
from visionft.exporting.quantization.speed import race
from visionft.metrics import Flips
from visionft.serving.onnx_session import open_model

SIZES = (1, 8, 32)


class Subject:
    """A run, its graph in fp32 and its photos, read once."""

    def __init__(self, run: vft.Run) -> None:
        self.run = run

    @cached_property
    def model(self) -> ModelProto:
        """The whole graph."""
        run = self.run
        return build(run.network(), run.preprocess, run.classes, run.answering(None))

    @cached_property
    def core(self) -> ModelProto:
        """What shrinks."""
        return core_of(self.model)

    @cached_property
    def training(self) -> NDArray[np.float32]:
        """Photos that recipes are chosen on."""
        return self.photos("train", CALIBRATING + CHOOSING)[0]

    @cached_property
    def test(self) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """All test photos and their labels."""
        return self.photos("test", None)

    def photos(self, split: str, limit: int | None) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Return pixels and labels of a split."""
        manifest = self.run.manifest()
        rows = manifest.rows(split)
        found = list(read_photos(manifest.root, rows, stratified(rows, limit)))
        pixels = np.stack([self.run.preprocess.tensor(photo.image) for photo in found])
        return pixels, np.array([photo.label for photo in found])

    def measured(self, precision: str) -> dict[str, Any]:
        """Return one cell."""
        if precision == "fp32":
            core, chosen = self.core, dict[str, Any]()
        else:
            trial = search(self.core, precision, self.training, lambda *_: None)
            core, chosen = trial.core, {"recipe": trial.name, "left_in_float": list(trial.left)}
        one, two = (open_model(model.SerializeToString()) for model in (self.core, core))
        pixels, labels = self.test
        right = {size: _answers(two, pixels, size) == labels for size in (1, 32)}
        before = _answers(one, pixels, 1) == labels
        return {
            **chosen,
            "megabytes": round(spliced(self.model, core).ByteSize() / 1e6, 2),
            "n": len(labels),
            "top1": round(float(right[1].mean()), 4),
            "alone": _flips(before, right[1]),
            "batches_of_32": _flips(before, right[32]),
            "times_as_fast": {str(size): _race(one, two, pixels, size) for size in SIZES if chosen},
        }


def _answers(session: ort.InferenceSession, pixels: NDArray[np.float32], size: int) -> NDArray[np.int64]:
    parts = [session.run([LOGITS], {PIXELS: pixels[i : i + size]})[0] for i in range(0, len(pixels), size)]
    return np.concatenate(parts).argmax(1)


def _flips(before: NDArray[np.bool_], after: NDArray[np.bool_]) -> dict[str, Any]:
    flips = Flips.of(before, after)
    return {"lost": flips.lost, "gained": flips.gained, "upper_bound_points": round(flips.upper() * 100, 2)}


def _race(
    one: ort.InferenceSession, two: ort.InferenceSession, pixels: NDArray[np.float32], size: int
) -> dict[str, float]:
    feed = {PIXELS: pixels[:size]}
    calls: Sequence[Callable[[], object]] = (lambda: one.run(None, feed), lambda: two.run(None, feed))
    return {name: round(value, 3) for name, value in asdict(race(*calls)).items()}


if __name__ == "__main__":
    cells = Cells("precision")
    for place in sys.argv[1:]:
        run = vft.Run.open(place)
        subject = Subject(run)
        key = {"set": run.manifest().root.name, "backbone": run.settings.backbone, "method": run.settings.method.name}
        for precision in ("fp32", "int8", "fp16"):
            cells.measure(key | {"precision": precision}, lambda s=subject, p=precision: s.measured(p))
