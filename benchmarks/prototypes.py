"""Prototypes of frozen features beside the solved head, and classes that come later from a few photos.

    python benchmarks/prototypes.py clothing --backbone mobilenetv2_100

Features are computed once and kept. `closed form` is the time from features to a head. New classes: each of some
classes is left out of the photos, then added from k photos drawn at random, five times; told is how many of its test
photos are found, and the share of the other classes' test photos that are right before and after.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
from cells import RUNS, SHARED, Cells

from visionft import backbones
from visionft.data import prepare
from visionft.methods.prototypes import class_means, solve
from visionft.metrics.calibration_error import log_loss
from visionft.settings import build
from visionft.training import frozen_features, linear_probe

SPLITS, FEW, DRAWS, LEFT_OUT = ("train", "validation", "test"), (1, 3, 5, 10), 5, 5
Split = dict[str, np.ndarray]


def features(data: str, backbone: str) -> Split:
    """Return features and labels of the splits."""
    kept = RUNS / f"prototypes-{data}-{backbone}.npz"
    if not kept.is_file():
        kept.parent.mkdir(parents=True, exist_ok=True)
        np.savez(kept, **_computed(data, backbone))
    return dict(np.load(kept))


def _computed(data: str, backbone: str) -> Split:
    weights = str(SHARED / "weights" / f"{backbone}.safetensors")
    flags: dict[str, Any] = {"hardware.workers": 0, "hardware.device": "cpu"}
    settings = build(SHARED / "data" / data, None, backbone=backbone, weights=weights, **flags)
    manifest = prepare(settings.photos, settings.data)
    network = backbones.create(backbone, weights, len(manifest.classes)).eval()
    transform, found = backbones.preprocess(network, settings.preprocess), {}
    for split in SPLITS:
        part = frozen_features.compute(network, manifest, split, transform, settings, lambda *_: None)
        found |= {split: part.features, f"{split}_y": part.labels}
    return found


def heads(split: Split) -> dict[str, Any]:
    """Return accuracy, log-loss and time of the solved head and of prototypes."""
    photos = [split[name] for name in ("train", "train_y", "validation", "validation_y")]
    told = {}
    for name, solver in (("head", linear_probe.solve), ("prototypes", solve)):
        began = time.perf_counter()
        found = solver(*photos)
        seconds = time.perf_counter() - began
        logits, truth = split["test"] @ found.weight.T + found.bias, split["test_y"]
        told[name] = {
            "test_top1": round(float((logits.argmax(axis=1) == truth).mean()), 4),
            "test_log_loss": round(log_loss(logits, truth), 4), "closed_form_s": round(seconds, 2),
        }  # fmt: skip
    return told


def later(split: Split, few: int) -> dict[str, Any]:
    """Return what classes that are added from a few photos find, and what they take from the others."""
    random, labels, truth = np.random.default_rng(0), split["train_y"], split["test_y"]
    classes = np.linspace(0, labels.max(), LEFT_OUT).astype(int)
    rows = []
    for left in classes:
        others, held = labels != left, split["validation_y"] != left
        found = solve(
            split["train"][others], _closed(labels[others], left),
            split["validation"][held], _closed(split["validation_y"][held], left),
        )  # fmt: skip
        own = truth == left
        before = split["test"] @ found.weight.T + found.bias
        right = before[~own].argmax(axis=1) == _closed(truth[~own], left)
        pool = np.flatnonzero(~others)
        for _ in range(DRAWS):
            chosen = random.choice(pool, min(few, len(pool)), replace=False)
            mean, number = class_means(split["train"][chosen], np.zeros(len(chosen), np.int64))
            weight, bias = found.space.rows(mean, number)
            logit = split["test"] @ weight[0] + bias[0]
            taken = logit > before.max(axis=1)
            rows.append((taken[own].mean(), right.mean(), (right & ~taken[~own]).mean()))
    return dict(
        zip(("new_found", "others_before", "others_after"), np.mean(rows, axis=0).round(4).tolist(), strict=True)
    )


def _closed(labels: np.ndarray, left: int) -> np.ndarray:
    return labels - (labels > left)


def main() -> None:
    """Measure what is not measured yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", choices=("clothing", "grocery"))
    parser.add_argument("--backbone", default="mobilenetv2_100")
    given = parser.parse_args()
    cells, split = Cells(Path(__file__).stem), features(given.data, given.backbone)
    about = {"data": given.data, "backbone": given.backbone}
    cells.measure({"what": "heads", **about}, lambda: heads(split))
    for few in FEW:
        cells.measure({"what": "later", **about, "photos": few}, lambda few=few: later(split, few))


if __name__ == "__main__":
    main()
