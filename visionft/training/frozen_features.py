"""Features of the frozen backbone, computed once for each photo."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from visionft.backbones import Network, forward_batches
from visionft.data import Batch, EvalPhotos, Manifest, eval_batches
from visionft.errors import BackboneError
from visionft.machine.arithmetic import full_precision
from visionft.machine.devices import inference_dtype
from visionft.preprocess import Preprocess
from visionft.runs.criterion import Photos
from visionft.settings import FitSettings

BATCH = 64


def compute(
    network: Network,
    manifest: Manifest,
    split: str,
    preprocess: Preprocess,
    settings: FitSettings,
    progress: Callable[[int, int], None],
) -> Photos:
    """Run the backbone over a split under the evaluation transform.

    What is measured, validation, is computed in fp32, as the final figures are: one set of weights has one figure.
    Training photos pass in the fastest arithmetic that the device has, and in fp32 where its range is too small.

    Raises:
        BackboneError: the backbone's answers are not finite.
    """
    order = torch.channels_last if network.convolutional else torch.contiguous_format
    network = network.to(settings.hardware.device).to(memory_format=order)
    rows = manifest.rows(split)
    dataset = EvalPhotos(rows, manifest.root, preprocess)
    fast = None if split == "validation" else inference_dtype(settings.hardware.device)
    found = _answers(network, dataset, fast, settings, progress)
    if fast is not None and not np.isfinite(found.features).all():
        found = _answers(network, dataset, None, settings, progress)
    finite: NDArray[np.bool_] = np.asarray(np.isfinite(found.features).all(axis=1))
    if not finite.all():
        raise BackboneError(
            f"{settings.backbone} answers numbers that are not finite for {int((~finite).sum()):,} of {len(finite):,} "
            f"{split} photos, such as {rows.paths[int(finite.argmin())]}; give other --weights or another --backbone"
        )
    return replace(found, classes=manifest.classes.names)


def _answers(
    network: Network,
    dataset: EvalPhotos,
    dtype: torch.dtype | None,
    settings: FitSettings,
    progress: Callable[[int, int], None],
) -> Photos:
    device = settings.hardware.device
    batches = _counted(eval_batches(dataset, BATCH, int(settings.hardware.workers)), len(dataset), progress)
    with full_precision() if dtype is None else nullcontext():
        answers = forward_batches(network, batches, dataset.preprocess, device=device, dtype=dtype, want=("features",))
    return Photos(answers["features"], answers["labels"])


def _counted(batches: Iterable[Batch], total: int, progress: Callable[[int, int], None]) -> Iterator[Batch]:
    done = 0
    for batch in batches:
        yield batch
        done += len(batch[1])
        progress(done, total)
