"""What crosses a cut, for every view of every training photo: in memory, or in a file that no crash leaves behind."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from visionft.data import Batch, Sample
from visionft.runs.atomic_write import require_space

IN_MEMORY = 1_000_000_000
"""Bytes: more goes to a file, of which the system keeps in memory what there is room for."""


class ActivationStore:
    """A table of (views, photos) tensors of one shape; also what answers a loader's samples.

    Args:
        views: V.
        labels: (N,) class indices of the training photos.
        like: one such tensor (1, ...), which tells shape, arithmetic and memory order.
        folder: where a temporary file may be made.

    Raises:
        DiskSpaceError: a file is needed and the disk has no room.
    """

    def __init__(self, views: int, labels: NDArray[Any], like: Tensor, folder: Path) -> None:
        self.bytes = size_of(views, len(labels), like)
        self.in_memory = self.bytes <= IN_MEMORY
        # as channels_last keeps it: a batch comes out in the memory order that the layers above would meet
        self._channels_last = like.ndim == 4 and not like.is_contiguous()
        shape = (views, len(labels), *self._stored(like).shape[1:])
        self._labels = torch.from_numpy(np.array(labels))
        self._table = torch.empty(shape, dtype=like.dtype) if self.in_memory else _in_file(shape, like.dtype, folder)

    def __str__(self) -> str:
        """Return how much this is, and where."""
        return f"{self.bytes / 1e6:,.1f} MB in {'memory' if self.in_memory else 'a temporary file'}"

    def tables(self) -> Iterator[Tensor]:
        """Yield the table (N, ...) of each view, as it is stored: what is written into it is remembered."""
        yield from self._table

    def put(self, view: int, indices: Tensor, activations: Tensor) -> None:
        """Remember what some photos' view makes cross: (B,) and (B, ...)."""
        self._table[view, indices] = self._stored(activations).to("cpu")

    def batch(self, samples: Sequence[Sample]) -> Batch:
        """Return (what crosses (B, ...), class indices (B,), indices (B,)) of samples that share their view."""
        indices = torch.tensor([index for _, index in samples], dtype=torch.int64)
        found = self._table[samples[0][0] if samples else 0][indices]
        return found.movedim(-1, 1) if self._channels_last else found, self._labels[indices], indices

    def _stored(self, activations: Tensor) -> Tensor:
        return activations.movedim(1, -1) if self._channels_last else activations


def size_of(views: int, photos: int, like: Tensor) -> int:
    """Return the bytes that a table of tensors like this one (1, ...) takes."""
    return views * photos * like.numel() * like.element_size()


def _in_file(shape: Sequence[int], dtype: torch.dtype, folder: Path) -> Tensor:
    """Return a tensor over a file that has no name any more: the system takes it back however the process ends."""
    numel = int(np.prod(shape))
    require_space(folder, numel * dtype.itemsize, "remembering what a frozen part answers")
    with tempfile.NamedTemporaryFile(dir=folder, prefix=".activations.", suffix=".part") as file:
        file.truncate(numel * dtype.itemsize)
        return torch.from_file(file.name, shared=True, size=numel, dtype=dtype).view(*shape)
