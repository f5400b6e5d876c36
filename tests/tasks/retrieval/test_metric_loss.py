"""The losses: beside their formulas, with places that start where the products lie, under mixing and micro-batches."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from visionft.metrics import unit
from visionft.runs.criterion import Targets
from visionft.tasks.retrieval.metric_loss import Kind, MetricLoss
from visionft.tasks.retrieval.sized_margins import SCALE, margins

COUNTS = [16, 0, 81, 1]
KINDS: list[Kind] = ["arcface", "proxy_anchor", "supcon"]


def outputs(n: int = 8) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(n, 5, generator=generator), torch.tensor([0, 0, 2, 2, 3, 3, 0, 2])[:n]


def test_a_product_of_few_photos_has_the_wider_margin() -> None:
    found = margins([1, 16, 81]).tolist()
    assert found == pytest.approx([0.55, 0.3, 0.5 / 3 + 0.05])


def test_arcface_is_the_softmax_over_cosines_with_the_own_one_turned_away() -> None:
    x, labels = outputs()
    loss: Any = MetricLoss("arcface", 5, COUNTS, 0)
    cosines = F.normalize(x, dim=1) @ F.normalize(loss.inner.W, dim=0)
    own, turned = torch.tensor([0, 0, 1, 1, 2, 2, 0, 1]), cosines.clone()
    margin = margins([16, 81, 1])[own]
    for row, column in enumerate(own.tolist()):
        angle = math.acos(cosines[row, column].item())
        assert angle + margin[row] < math.pi
        turned[row, column] = math.cos(angle + margin[row].item())
    expected = F.cross_entropy(SCALE * turned, own, reduction="sum")
    assert loss(x, Targets(labels)).item() == pytest.approx(expected.item(), rel=1e-4)


def test_arcface_adds_up_over_micro_batches() -> None:
    x, labels = outputs()
    loss = MetricLoss("arcface", 5, COUNTS, 0)
    parts = sum(loss(x[part], Targets(labels[part])).item() for part in (slice(0, 3), slice(3, 8)))
    assert loss(x, Targets(labels)).item() == pytest.approx(parts, rel=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_are_finite_where_photos_lie_at_their_places(kind: Kind) -> None:
    loss = MetricLoss(kind, 5, COUNTS, 0)
    centres = unit(np.random.default_rng(0).normal(size=(4, 5)))
    loss.begin(centres)
    x = torch.from_numpy(centres)[[0, 2, 3, 0]].requires_grad_()
    loss(x, Targets(torch.tensor([0, 2, 3, 0]))).backward()
    assert all(torch.isfinite(tensor.grad).all() for tensor in (x, *loss.parameters()) if tensor.grad is not None)


def test_places_begin_where_the_products_lie_those_of_training_alone() -> None:
    centres = unit(np.random.default_rng(0).normal(size=(4, 5)))
    arcface: Any = MetricLoss("arcface", 5, COUNTS, 0)
    anchor: Any = MetricLoss("proxy_anchor", 5, COUNTS, 0)
    for loss in (arcface, anchor):
        loss.begin(centres)
    assert arcface.inner.W.T.detach().numpy() == pytest.approx(centres[[0, 2, 3]])
    assert anchor.inner.proxies.detach().numpy() == pytest.approx(centres[[0, 2, 3]])
    assert not list(MetricLoss("supcon", 5, COUNTS, 0).parameters())


def test_places_without_a_start_follow_from_the_seed() -> None:
    one, same, other = (MetricLoss("arcface", 5, COUNTS, seed).state_dict()["inner.W"] for seed in (0, 0, 1))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


@pytest.mark.parametrize("kind", KINDS)
def test_of_mixed_photos_each_label_has_its_share(kind: Kind) -> None:
    x, labels = outputs()
    loss = MetricLoss(kind, 5, COUNTS, 0)
    whole, others = (loss(x, Targets(one)).item() for one in (labels, labels.flip(0)))
    assert loss(x, Targets(labels, labels.flip(0), 0.25)).item() == pytest.approx(
        0.25 * whole + 0.75 * others, rel=1e-5
    )


@pytest.mark.parametrize("kind", KINDS)
def test_steps_bring_photos_of_a_product_together(kind: Kind) -> None:
    torch.manual_seed(0)
    loss, head = MetricLoss(kind, 4, [8, 8, 8], 0), torch.nn.Linear(6, 4)
    labels = torch.arange(3).repeat_interleave(8)
    centres = torch.tensor([[2.0, 0, 0, 0, 0, 0], [-1, 1.7, 0, 0, 0, 0], [-1, -1.7, 0, 0, 0, 0]])
    x = centres[labels] + torch.randn(24, 6) * torch.tensor([0.5, 0.5, 4, 4, 4, 4])
    before = loss.measured(head(x).detach(), labels)
    optimizer = torch.optim.AdamW([*head.parameters(), *loss.parameters()], lr=0.02)
    for _ in range(60):
        optimizer.zero_grad()
        (loss(head(x), Targets(labels)) / 24).backward()
        optimizer.step()
    after = loss.measured(head(x).detach(), labels)
    assert after.loss < before.loss - 0.1
    assert after.score >= before.score


@pytest.mark.parametrize("wrong", [math.nan, math.inf])
def test_of_outputs_that_diverged_no_figure_exists(wrong: float) -> None:
    x, labels = outputs()
    x[3, 2] = wrong
    figures = MetricLoss("arcface", 5, COUNTS, 0).measured(x, labels)
    assert math.isnan(figures.loss)
    assert math.isnan(figures.score)
