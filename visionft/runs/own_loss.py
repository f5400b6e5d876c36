"""A training loss of the caller's own, in the place of the task's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from visionft.data import Manifest
from visionft.errors import UsageError
from visionft.runs.criterion import Criterion, Figures, Targets
from visionft.runs.learning import learning_of
from visionft.settings import FitSettings
from visionft.settings.own_names import is_own, own_name

LossFunction = Callable[[Tensor, Tensor], Tensor]
"""From outputs float32 [B, K] and targets to the loss of each photo, [B]: of classes logits [B, C] and int64 [B], of
numbers standardised outputs and targets, both [B] float32, of several labels logits and entries [B, C], -1: unknown."""


@dataclass(frozen=True)
class GivenLoss:
    """A loss as `fit` was given it.

    Attributes:
        function: from outputs and targets to a loss a photo.
        name: what the run records.
    """

    function: LossFunction
    name: str

    @classmethod
    def of(cls, function: Any) -> GivenLoss:
        """Take a function, or a module without weights of its own.

        Raises:
            UsageError: it cannot be called, or has weights, which nothing would train.
        """
        if not callable(function):
            raise UsageError(
                f"loss= takes a function of (outputs, targets), and was given {type(function).__name__}; give the name "
                "of one of the task's losses as loss='...'"
            )
        if isinstance(function, nn.Module) and next(function.parameters(), None) is not None:
            raise UsageError(
                f"loss= has weights of its own ({type(function).__name__}), which no optimizer would move; give a loss "
                "without any"
            )
        return cls(function, own_name(function))


class OwnLoss(Criterion):
    """A given loss under the task's figures: batches are mixed, added up and scored as for the task's own.

    Args:
        given: the caller's.
        task: the criterion whose place it takes.
    """

    def __init__(self, given: GivenLoss, task: Criterion) -> None:
        super().__init__()
        self.task, self.name, self.gathers = task, given.name, task.gathers
        # As an attribute a module moves to the device with its buffers.
        self.function: Any = given.function

    def forward(self, outputs: Tensor, targets: Targets) -> Tensor:
        """Return the sum [] over outputs [B, K]; of mixed photos each label has its share of the loss."""
        loss = self._each(outputs, targets.labels).sum()
        if targets.others is None:
            return loss
        return targets.share * loss + (1 - targets.share) * self._each(outputs, targets.others).sum()

    def pairs(self, outputs: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Return what the task's loss compares: outputs [B, K] or [B], targets [B]."""
        return self.task.pairs(outputs, labels)

    def sums(self, outputs: Tensor, labels: Tensor) -> Tensor:
        """Return (own loss, photos, *the task's sums) of outputs [B, K], float32 [2 + S]."""
        own = self._each(outputs, labels).sum().float()
        return torch.cat([own.reshape(1), own.new_tensor([float(len(labels))]), self.task.sums(outputs, labels)])

    def measured(self, outputs: Tensor, labels: Tensor) -> Figures:
        """Return the mean of the own loss, and the task's score, of outputs (n, K) and labels (n,) together."""
        loss = self._each(outputs, labels).mean().item()
        return Figures(loss, self.task.measured(outputs, labels).score)

    def figures(self, sums: Sequence[float]) -> Figures:
        """Return the mean of the own loss, and the task's score."""
        loss, photos, *task = sums
        return Figures(loss / photos, self.task.figures(task).score)

    def _each(self, outputs: Tensor, labels: Tensor) -> Tensor:
        found: Any = self.function(*self.pairs(outputs.float(), labels))
        if not isinstance(found, Tensor) or found.shape != (len(labels),):
            shape = list(found.shape) if isinstance(found, Tensor) else type(found).__name__
            raise UsageError(
                f"loss= has to return one loss a photo, [{len(labels)}] for as many, and {self.name} returned {shape}; "
                "a loss of torch does with reduction='none'"
            )
        return found


def criterion_of(settings: FitSettings, manifest: Manifest | None, given: GivenLoss | None = None) -> Criterion:
    """Return the training loss that settings name.

    Args:
        settings: of the run.
        manifest: its photos, for the weights of classes; none: without.
        given: a loss of the caller's own, which the settings then name.

    Raises:
        UsageError: the settings name a loss of somebody's own, and it was not given again, or another one was.
    """
    require_given(settings, given)
    task = learning_of(settings.task).criterion(settings, manifest)
    return OwnLoss(given, task) if given is not None else task


def require_usable(settings: FitSettings, manifest: Manifest, given: GivenLoss | None, width: int) -> None:
    """Try a loss of the caller's own on two made-up answers of K = `width` numbers, before anything is trained.

    Raises:
        UsageError: it fails, returns no loss a photo, or one without a gradient.
    """
    if given is None:
        return
    criterion = criterion_of(settings, manifest, given)
    labels = torch.as_tensor(manifest.rows("train").labels[:2])
    outputs = torch.linspace(-1, 1, len(labels) * width).reshape(len(labels), width).requires_grad_()
    try:
        loss = criterion(outputs, Targets(labels))
    except UsageError:
        raise
    except Exception as error:  # whatever a stranger's function may raise
        raise UsageError(
            f"loss= {given.name} fails on outputs {list(outputs.shape)} and targets {list(labels.shape)} "
            f"({labels.dtype}): {type(error).__name__}: {error}"
        ) from error
    if not loss.requires_grad:
        raise UsageError(f"loss= {given.name} returns losses without a gradient; compute them by torch's functions")


def require_given(settings: FitSettings, given: GivenLoss | None) -> None:
    """Refuse settings of a loss that is not there; see `criterion_of`."""
    wanted = settings.loss if is_own(settings.loss) else None
    if wanted == (given.name if given else None):
        return
    have = f"loss= is {given.name}" if given else "no loss= was given"
    raise UsageError(
        f"these settings were made with a loss of its author's own, {wanted}, and {have}; give that function again, as "
        "visionft.fit(..., loss=FUNCTION)"
        if wanted
        else f"{have}, and the settings name another loss ({settings.loss or 'of the task'}); leave one of them out"
    )
