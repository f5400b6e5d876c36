"""What a batch should answer, and the figures that losses add up."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from visionft.runs.criterion import Criterion, Figures, Photos, Targets


def test_targets_are_cut_with_those_that_were_mixed_in() -> None:
    whole = Targets(torch.arange(5), torch.arange(5) + 10, 0.3)
    first, *_, last = whole.split(2)
    assert (first.labels.tolist(), last.labels.tolist()) == ([0, 1], [4])
    assert last.others is not None
    assert (last.others.tolist(), last.share) == ([14], 0.3)
    part = whole[1:3]
    assert part.others is not None
    assert (part.labels.tolist(), part.others.tolist()) == ([1, 2], [11, 12])
    assert [one.others for one in Targets(torch.arange(3)).split(2)] == [None, None]


class Squares(Criterion):
    """Half the squared error, and its sum over photos."""

    def forward(self, outputs: Tensor, targets: Targets) -> Tensor:
        return (outputs[:, 0] - targets.labels).square().sum() / 2

    def sums(self, outputs: Tensor, labels: Tensor) -> Tensor:
        return torch.stack([(outputs[:, 0] - labels).square().sum(), torch.tensor(float(len(labels)))])

    def figures(self, sums: Sequence[float]) -> Figures:
        return Figures(sums[0] / sums[1], -sums[0])


class Together(Criterion):
    """Measured over all photos at once."""

    gathers = True

    def forward(self, outputs: Tensor, targets: Targets) -> Tensor:
        return outputs.sum()

    def measured(self, outputs: Tensor, labels: Tensor) -> Figures:
        return Figures(float(outputs.mean()), float(len(labels)))


def test_a_solved_head_is_measured_by_sums_or_by_all_photos_together() -> None:
    head = nn.Linear(2, 1, bias=False)
    head.weight.data = torch.tensor([[1.0, 2.0]])
    photos = Photos(np.array([[1, 0], [0, 1], [1, 1]], np.float32), np.array([1.0, 2.0, 5.0], np.float32))
    assert Squares().solved_figures(head, photos) == Figures(pytest.approx(4 / 3), pytest.approx(-4.0))
    assert Together().solved_figures(head, photos) == Figures(2.0, 3.0)
    assert Figures(0.5, 0.9).top1 == 0.9


def test_what_a_loss_does_not_have_names_what_it_has() -> None:
    with pytest.raises(NotImplementedError, match="Together has no sums of batches; see `measured`"):
        Together().sums(torch.ones(1, 1), torch.ones(1))
    with pytest.raises(NotImplementedError, match="Squares adds its figures up; see `sums`"):
        Squares().measured(torch.ones(1, 1), torch.ones(1))
