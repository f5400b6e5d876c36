"""The loss does not depend on the unit of the labels; the figures do."""

from __future__ import annotations

import pytest
import torch

from visionft.runs.criterion import Targets
from visionft.tasks.regression.standardised_loss import Kind, StandardisedLoss

OUTPUTS = torch.tensor([[0.0], [1.0], [-2.0]])
LABELS = torch.tensor([10.0, 14.0, 8.0])  # standardised by mean 10, std 2: 0, 2, -1


@pytest.mark.parametrize(("kind", "loss"), [("l1", 0 + 1 + 1), ("l2", 0 + 1 + 1)])
def test_it_is_the_distance_of_standardised_labels(kind: Kind, loss: float) -> None:
    assert StandardisedLoss(kind, 10.0, 2.0)(OUTPUTS, Targets(LABELS)).item() == pytest.approx(loss)


@pytest.mark.parametrize("kind", ["l1", "l2"])
def test_another_unit_changes_no_loss(kind: Kind) -> None:
    here = StandardisedLoss(kind, 10.0, 2.0)(OUTPUTS, Targets(LABELS))
    there = StandardisedLoss(kind, 10_000.0, 2_000.0)(OUTPUTS, Targets(1000 * LABELS))
    assert torch.allclose(here, there)


def test_l1_and_l2_differ_where_an_error_is_not_one() -> None:
    far = torch.tensor([[3.0]])
    assert StandardisedLoss("l1")(far, Targets(torch.zeros(1))).item() == 3.0
    assert StandardisedLoss("l2")(far, Targets(torch.zeros(1))).item() == 9.0


def test_mixed_photos_share_the_loss() -> None:
    loss, others = StandardisedLoss("l2", 10.0, 2.0), LABELS.flip(0)
    mixed = loss(OUTPUTS, Targets(LABELS, others, 0.3))
    assert torch.allclose(mixed, 0.3 * loss(OUTPUTS, Targets(LABELS)) + 0.7 * loss(OUTPUTS, Targets(others)))


def test_pieces_add_up_to_their_batch() -> None:
    loss, targets = StandardisedLoss("l1", 10.0, 2.0), Targets(LABELS)
    parts = [loss(part, aims) for part, aims in zip(OUTPUTS.split(2), targets.split(2), strict=True)]
    assert torch.allclose(sum(parts), loss(OUTPUTS, targets))


def test_a_validation_tells_the_error_in_the_labels_unit() -> None:
    loss = StandardisedLoss("l2", 10.0, 2.0)
    figures = loss.figures((loss.sums(OUTPUTS[:2], LABELS[:2]) + loss.sums(OUTPUTS[2:], LABELS[2:])).tolist())
    assert (figures.loss, figures.score) == (pytest.approx(2 / 3), pytest.approx((0 + 2 + 2) / 3))
