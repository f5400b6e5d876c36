"""A finished run as a teacher: what it says of the very views that a student learns from (arXiv 2106.05237)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from visionft import backbones
from visionft.backbones import Network
from visionft.classes import Classes
from visionft.data import Batch
from visionft.errors import UsageError
from visionft.machine.devices import inference_dtype
from visionft.planning.crop_sizes import crop
from visionft.preprocess import Preprocess
from visionft.runs import Run
from visionft.runs.lineage import Origin
from visionft.tasks.registry import require

MEMORY = 2_000_000_000
"""Bytes: remembered answers beyond this would take the room that training needs."""


def open_teacher(path: Path) -> Run:
    """Open the run that teaches; UsageError where its task has nothing to teach by."""
    run = Run.open(path)
    require(run.task, "distill", f"--distill {path}", "give a run that answers with classes, or leave it out")
    return run


@dataclass(frozen=True)
class TeacherOutputs:
    """What a teacher says of B views.

    Attributes:
        logits: (B, C) of the student's classes, in its order.
        features: (B, D), D the teacher's.
    """

    logits: Tensor
    features: Tensor


class Teacher:
    """A run's final network, frozen; not an nn.Module: it must neither be trained nor saved with its student.

    Args:
        run: finished.
        classes: the student's; the teacher must know each of them.

    Attributes:
        origin: the run as it was then, for the record.
        network: the run's.
        preprocess: the run's.
        side: of the views that it is shown, in pixels: that of its own training crops.

    Raises:
        UsageError: it lacks a class.
    """

    def __init__(self, run: Run, classes: Classes) -> None:
        missing = [name for name in classes if name not in run.classes]
        if missing:
            raise UsageError(
                f"--distill: {run.path} does not know the class {missing[0]!r}"
                f"{f' and {len(missing) - 1} more' if len(missing) > 1 else ''}; give a run that was trained on all "
                "classes of these photos"
            )
        self.origin = Origin.of(run)
        self.network: Network = run.network().requires_grad_(False)
        self.preprocess = run.preprocess
        self.path = run.path
        self.size = crop(run.settings, run.preprocess.size)
        names = list(run.classes)
        self._columns = torch.tensor([names.index(name) for name in classes])
        self._remembered: TeacherOutputs | None = None

    def require_shape(self, size: tuple[int, int]) -> None:
        """Raise UsageError unless a student whose input is `size` (H, W) can see the same views."""
        height, width = self.preprocess.size
        if height * size[1] != width * size[0]:
            raise UsageError(
                f"--distill: {self.path} sees {height} x {width} pixels and this run {size[0]} x {size[1]}, another "
                f"shape; give --preprocess.size {height}x{width}, or another teacher"
            )

    def to(self, device: torch.device | str, channels_last: bool) -> None:
        """Move to where the student is."""
        order = torch.channels_last if channels_last else torch.contiguous_format
        self.network = self.network.to(device).to(memory_format=order)
        self._columns = self._columns.to(device)

    @torch.no_grad()
    def outputs(self, x: Tensor, preprocess: Preprocess, indices: Tensor) -> TeacherOutputs:
        """Answer views, or return what was remembered of their photos.

        Args:
            x: (B, 3, h, w), normalised for the student.
            preprocess: the student's.
            indices: (B,) of the training photos.
        """
        if self._remembered is not None:
            kept = self._remembered
            rows = indices.cpu()  # what is remembered stays out of a GPU's memory
            return TeacherOutputs(kept.logits[rows].to(x.device), kept.features[rows].to(x.device))
        features = self.network.embed(resized(_renormalised(x, preprocess, self.preprocess), self.size))
        return TeacherOutputs(self.network.head(features).float()[:, self._columns], features.float())

    def fits_memory(self, photos: int) -> bool:
        """Tell whether its answers to so many photos are few enough to be kept."""
        return photos * 4 * (len(self._columns) + self.network.features) <= MEMORY

    def remember(self, batches: Iterable[Batch], preprocess: Preprocess, device: torch.device) -> None:
        """Answer every training photo once and for all: the views never change.

        Args:
            batches: all training photos in the order of their indices: pixels uint8 (B, H, W, 3), labels and rows (B,).
            preprocess: the student's.
            device: where both are.
        """
        dtype, lessons = inference_dtype(device.type), list[TeacherOutputs]()
        with torch.autocast(device.type, dtype, enabled=dtype is not None):
            for pixels, _, indices in batches:
                found = self.outputs(backbones.normalise(pixels, preprocess, device), preprocess, indices)
                lessons.append(TeacherOutputs(found.logits.cpu(), found.features.cpu()))
        self._remembered = TeacherOutputs(
            torch.cat([lesson.logits for lesson in lessons]), torch.cat([lesson.features for lesson in lessons])
        )


def resized(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Return views (B, 3, V, W) at another size (H, W), antialiased."""
    if x.shape[-2:] == size:
        return x
    return F.interpolate(x, size=size, mode="bilinear", antialias=True)


def _renormalised(x: Tensor, one: Preprocess, other: Preprocess) -> Tensor:
    if (one.mean, one.std) == (other.mean, other.std):
        return x
    mean, std, new_mean, new_std = (
        torch.tensor(values, device=x.device).view(3, 1, 1) for values in (one.mean, one.std, other.mean, other.std)
    )
    return (x * std + (mean - new_mean)) / new_std
