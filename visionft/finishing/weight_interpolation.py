"""Weights on the line from the start to the end of a training, and their figures on validation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from visionft.backbones import Network, forward_context
from visionft.data import EvalPhotos, Manifest, eval_batches
from visionft.machine.progress import bar
from visionft.metrics import log_loss
from visionft.planning.plan import Plan

BATCH = 64


@dataclass(frozen=True)
class Point:
    """Validation figures of one blend.

    Attributes:
        coefficient: share of the way from the start to the trained weights, in [0, 1].
        log_loss: in nats.
        top1: in [0, 1].
    """

    coefficient: float
    log_loss: float
    top1: float

    def __str__(self) -> str:
        return f"{self.coefficient:g} of the way  validation loss {self.log_loss:.4f}  top-1 {self.top1:.2%}"


@dataclass
class _Sums:
    log_loss: float = 0.0
    hits: int = 0

    def add(self, logits: NDArray[np.float32], labels: NDArray[np.int64]) -> None:
        self.log_loss += log_loss(logits, labels) * len(labels)
        self.hits += int((logits.argmax(axis=1) == labels).sum())


class Line:
    """The straight line from the start (0) to the trained weights (1).

    All floating-point tensors are interpolated, batch statistics included; counters stay those of the end.

    Args:
        network: with the trained weights, on its device; moved along the line.
        start: state of the same network before its first step.
    """

    def __init__(self, network: Network, start: Mapping[str, Tensor]) -> None:
        self.network = network
        self.end = {name: tensor.clone() for name, tensor in network.state_dict().items()}
        self.start = {name: start[name].to(tensor.device) for name, tensor in self.end.items()}

    @torch.no_grad()
    def move_to(self, coefficient: float) -> None:
        """Set the weights to start + coefficient * (end - start), at 0 and 1 bit for bit."""
        for name, tensor in self.network.state_dict().items():
            if tensor.is_floating_point():
                tensor.copy_(torch.lerp(self.start[name], self.end[name], coefficient))


def measure(line: Line, plan: Plan, manifest: Manifest, coefficients: Sequence[float]) -> list[Point]:
    """Measure all blends in one pass over the validation photos: each is decoded once, whatever their number."""
    rows = manifest.rows("validation")
    photos, device = EvalPhotos(rows, manifest.root, plan.preprocess), plan.settings.hardware.device
    sums = [_Sums() for _ in coefficients]
    done = 0
    with (
        bar("blends on validation") as advance,
        forward_context(line.network, plan.preprocess, device=device, want=("logits",)) as forward,
    ):
        for pixels, labels, _ in eval_batches(photos, BATCH, int(plan.settings.hardware.workers)):
            for coefficient, total in zip(coefficients, sums, strict=True):
                line.move_to(coefficient)
                forward.refresh()
                total.add(forward(pixels)["logits"], labels.numpy())
            done += len(labels)
            advance(done, len(rows))
    n = len(rows)
    return [Point(c, total.log_loss / n, total.hits / n) for c, total in zip(coefficients, sums, strict=True)]


def best(points: Sequence[Point]) -> Point:
    """Return the point of the highest top-1; between equals the lower log-loss wins, then the nearer start."""
    return max(points, key=lambda point: (point.top1, -point.log_loss, -point.coefficient))
