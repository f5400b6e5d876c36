"""Features of the frozen backbone, computed once for each photo."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from visionft.backbones import Network, forward_batches
from visionft.data import Batch, EvalPhotos, Manifest, eval_batches
from visionft.preprocess import Preprocess
from visionft.settings import FitSettings
from visionft.training.hardware import inference_dtype

BATCH = 64


@dataclass(frozen=True)
class SplitFeatures:
    """Features of one split.

    Attributes:
        features: (N, D) float32.
        labels: (N,) class indices.
    """

    features: NDArray[np.float32]
    labels: NDArray[np.int64]


def compute(
    network: Network,
    manifest: Manifest,
    split: str,
    preprocess: Preprocess,
    settings: FitSettings,
    progress: Callable[[int, int], None],
) -> SplitFeatures:
    """Run the backbone over a split under the evaluation transform, in the fastest arithmetic that the device has."""
    device = settings.hardware.device
    rows = manifest.rows(split)
    dataset = EvalPhotos(rows, manifest.root, preprocess)
    order = torch.channels_last if network.convolutional else torch.contiguous_format
    network = network.to(device).to(memory_format=order)
    batches = _counted(eval_batches(dataset, BATCH, int(settings.hardware.workers)), len(dataset), progress)
    answers = forward_batches(
        network, batches, preprocess, device=device, dtype=inference_dtype(device), want=("embedding",)
    )
    return SplitFeatures(answers["embedding"], answers["labels"])


def _counted(batches: Iterable[Batch], total: int, progress: Callable[[int, int], None]) -> Iterator[Batch]:
    done = 0
    for batch in batches:
        yield batch
        done += len(batch[1])
        progress(done, total)
