"""Features of a run's validation photos: what a class that is added later is measured against, in no time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from visionft.runs import layout
from visionft.runs.atomic_write import replacing
from visionft.runs.run_files import damaged, read_tensors

MOST = 20_000
"""Photos, thinned evenly where there are more: 100 MB at 1,280 numbers each."""


def write_held_out(folder: Path, features: NDArray[np.float32], labels: NDArray[np.int64]) -> None:
    """Write features (n, D) and class indices (n,) into a run's folder."""
    chosen = np.linspace(0, len(labels) - 1, min(MOST, len(labels))).round().astype(np.int64)
    with replacing(folder / layout.HELD_OUT) as temporary:
        save_file({"features": features[chosen], "labels": labels[chosen]}, temporary)


def read_held_out(folder: Path) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Read what `write_held_out` wrote.

    Raises:
        RunError: the file is missing or damaged.
    """
    tensors = read_tensors(folder / layout.HELD_OUT)
    if tensors.keys() != {"features", "labels"} or len(tensors["features"]) != len(tensors["labels"]):
        raise damaged(folder / layout.HELD_OUT, "it has not the features and labels of photos")
    return tensors["features"].numpy(), tensors["labels"].numpy()
