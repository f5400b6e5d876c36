"""The loss is the mean of the heads' cross-entropies, and says nothing of what nobody knows."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from visionft.runs.criterion import Targets
from visionft.tasks.multihead.head_layout import Heads
from visionft.tasks.multihead.head_loss import HeadsLoss

HEADS = Heads(["a=x", "a=y", "b=u", "b=v", "b=w"])
LOGITS = torch.randn(4, 5, generator=torch.Generator().manual_seed(0))
LABELS = torch.tensor([[0, 2], [1, -1], [-1, 0], [1, 1]])


def test_the_loss_is_that_of_each_head_by_itself() -> None:
    a = F.cross_entropy(LOGITS[[0, 1, 3], :2], LABELS[[0, 1, 3], 0], reduction="sum")
    b = F.cross_entropy(LOGITS[[0, 2, 3], 2:], LABELS[[0, 2, 3], 1], reduction="sum")
    assert HeadsLoss(HEADS)(LOGITS, Targets(LABELS)).item() == pytest.approx((a + b).item() / 2)
    parts = [HeadsLoss(HEADS)(LOGITS[i : i + 1], Targets(LABELS[i : i + 1])) for i in range(4)]
    assert HeadsLoss(HEADS)(LOGITS, Targets(LABELS)).item() == pytest.approx(sum(parts).item())


def test_an_unknown_label_has_no_gradient() -> None:
    logits = LOGITS.clone().requires_grad_(True)
    HeadsLoss(HEADS, label_smoothing=0.1, class_weights=torch.ones(5))(logits, Targets(LABELS)).backward()
    assert logits.grad is not None
    assert logits.grad[1, 2:].abs().sum() == logits.grad[2, :2].abs().sum() == 0
    assert (logits.grad[[0, 3]] != 0).all()


def test_smoothing_and_weights_are_of_each_heads_own_classes() -> None:
    weights = torch.tensor([1.0, 3.0, 1.0, 1.0, 2.0])
    found = HeadsLoss(HEADS, 0.2, weights)(LOGITS[:1], Targets(LABELS[:1]))
    a = F.cross_entropy(LOGITS[:1, :2], LABELS[:1, 0], weight=weights[:2], label_smoothing=0.2, reduction="sum")
    b = F.cross_entropy(LOGITS[:1, 2:], LABELS[:1, 1], weight=weights[2:], label_smoothing=0.2, reduction="sum")
    assert found.item() == pytest.approx((a + b).item() / 2)


def test_mixed_photos_have_their_shares() -> None:
    loss, others = HeadsLoss(HEADS), LABELS.flip(0)
    mixed = loss(LOGITS, Targets(LABELS, others, 0.3))
    apart = 0.3 * loss(LOGITS, Targets(LABELS)) + 0.7 * loss(LOGITS, Targets(others))
    assert mixed.item() == pytest.approx(apart.item())


def test_figures_of_batches_add_up_to_the_mean_over_the_heads() -> None:
    loss = HeadsLoss(HEADS, 0.1, torch.full((5,), 2.0))
    sums = loss.sums(LOGITS[:1], LABELS[:1]) + loss.sums(LOGITS[1:], LABELS[1:])
    figures = loss.figures(sums.tolist())
    best = torch.stack([LOGITS[:, :2].argmax(1), LOGITS[:, 2:].argmax(1)], 1)
    right, known = best == LABELS, LABELS >= 0
    assert figures.score == pytest.approx((right.sum(0) / known.sum(0)).mean().item())
    assert figures.loss == pytest.approx(HeadsLoss(HEADS)(LOGITS, Targets(LABELS)).item() / 4)


def test_a_head_that_nobody_knows_has_no_part_in_the_mean() -> None:
    loss, labels = HeadsLoss(HEADS), torch.tensor([[0, -1], [0, -1]])
    logits = torch.tensor([[2.0, 1.0, 0.0, 0.0, 0.0], [1.0, 2.0, 0.0, 0.0, 0.0]])
    assert loss.figures(loss.sums(logits, labels).tolist()).score == 0.5
