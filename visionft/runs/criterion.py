"""A training loss, what it takes and adds up, and a head that was solved instead of trained."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from visionft.machine.arithmetic import full_precision
from visionft.methods.prototypes import Space


@dataclass(frozen=True)
class Targets:
    """What a batch should answer.

    Attributes:
        labels: (B,) class indices, or what else the task learns, of each photo one or a row (B, K).
        others: those of the photos that were mixed in; none without mixing.
        share: weight of `labels` against `others`, in [0, 1].
    """

    labels: Tensor
    others: Tensor | None = None
    share: float = 1.0

    def __getitem__(self, part: slice) -> Targets:
        """Return those of some photos."""
        return Targets(self.labels[part], None if self.others is None else self.others[part], self.share)

    def split(self, size: int) -> list[Targets]:
        """Cut into pieces of at most `size` photos."""
        labels = torch.split(self.labels, size)
        others = [None] * len(labels) if self.others is None else torch.split(self.others, size)
        return [Targets(a, b, self.share) for a, b in zip(labels, others, strict=True)]


@dataclass(frozen=True)
class Figures:
    """What a validation found, on the weights that would be exported.

    Attributes:
        loss: mean loss a photo.
        score: what the best epoch is chosen by, as the task's `Score` says: of classification top-1, in [0, 1].
    """

    loss: float
    score: float

    @property
    def top1(self) -> float:
        """The score of classification by its name: share of the photos that are answered rightly, in [0, 1]."""
        return self.score


@dataclass(frozen=True)
class Photos:
    """Features and labels of one split.

    Attributes:
        features: (n, D) float32, as the head gets them.
        labels: (n,).
        classes: (C,) names of what the labels are indices of; none where they are no indices.
    """

    features: NDArray[np.float32]
    labels: NDArray[Any]
    classes: tuple[str, ...] = ()

    def on(self, device: torch.device) -> tuple[Tensor, Tensor]:
        """Return both as tensors on a device."""
        return torch.from_numpy(self.features).to(device), torch.from_numpy(self.labels).to(device)


class Criterion(nn.Module, ABC):
    """The training loss, and what a validation adds up."""

    gathers: bool = False
    """Whether the figures are of all photos together, and `measured` takes the place of `sums`."""

    @abstractmethod
    def forward(self, outputs: Tensor, targets: Targets) -> Tensor:
        """Return the loss of outputs (B, K) summed over the batch, float32 []: micro-batches add up to their batch."""

    def pairs(self, outputs: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Return what the loss compares, for a loss of somebody else's: here outputs (B, K) and labels (B,)."""
        return outputs, labels

    def sums(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """Return what `figures` needs of a batch, float32 (S,), on the device: outputs (B, K), labels (B,)."""
        raise NotImplementedError(f"{type(self).__name__} has no sums of batches; see `measured`")

    def figures(self, sums: Sequence[float]) -> Figures:
        """Return the figures of all batches from the sum of their sums (S,)."""
        raise NotImplementedError(f"{type(self).__name__} has no sums of batches; see `measured`")

    def measured(self, outputs: Tensor, labels: Tensor) -> Figures:
        """Return the figures of outputs (n, K) and labels (n,) of all photos, where it `gathers`."""
        raise NotImplementedError(f"{type(self).__name__} adds its figures up; see `sums`")

    def begin(self, centres: NDArray[np.float32]) -> None:
        """Start from the places (C, K) of the classes among a solved head's outputs; here there is nothing to start."""

    @torch.no_grad()
    def solved_figures(self, head: nn.Module, validation: Photos) -> Figures:
        """Return the figures of a head on features, as an epoch's validation has them."""
        device = next(head.parameters()).device
        features, labels = validation.on(device)
        with full_precision():
            outputs = head(features)
            if self.gathers:
                return self.measured(outputs, labels)
            return self.figures(self.to(device).sums(outputs, labels).tolist())


@dataclass(frozen=True)
class Solution:
    """A head that was solved.

    Attributes:
        what: was solved, in words.
        weight: (K, D) on the raw features.
        bias: (K,).
        how: which regularisation was kept, in words.
        centres: (C, K) where the classes lie among the outputs, for a loss that keeps a place for each of them.
        space: in which the rows are prototypes, to be kept with the head.
    """

    what: str
    weight: NDArray[np.floating]
    bias: NDArray[np.floating]
    how: str
    centres: NDArray[np.float32] | None = None
    space: Space | None = None
