"""ArcFace with a margin for each product: the fewer photos it has, the wider."""

from __future__ import annotations

import math

import pytest
import torch

from visionft.tasks.retrieval.sized_margins import NARROWEST, SCALE, WIDEST, SizedMargins, margins


def test_a_product_of_one_photo_has_the_widest_margin() -> None:
    found = margins([1, 16, 10_000])
    assert found.tolist() == pytest.approx([WIDEST + NARROWEST, WIDEST / 2 + NARROWEST, WIDEST / 10 + NARROWEST])


def test_a_cosine_is_turned_away_by_its_own_margin() -> None:
    loss = SizedMargins([1, 16], 4)
    loss._margin = loss.margins
    angle = torch.tensor([0.7, 1.2])
    found = loss.modify_cosine_of_target_classes(torch.cos(angle))
    torch.testing.assert_close(found, torch.cos(angle + loss.margins))


def test_past_pi_the_cosine_goes_on_falling() -> None:
    loss = SizedMargins([1], 4)
    loss._margin = loss.margins
    angles = torch.linspace(math.pi - 0.56, math.pi - 1e-3, 40)
    found = torch.stack([loss.modify_cosine_of_target_classes(torch.cos(angle)[None])[0] for angle in angles])
    assert (found.diff() < 1e-6).all()


def test_the_slope_is_finite_where_an_embedding_lies_at_its_place() -> None:
    loss = SizedMargins([1], 4)
    loss._margin = loss.margins
    cosine = torch.tensor([1.0], requires_grad=True)
    loss.modify_cosine_of_target_classes(cosine).sum().backward()  # type: ignore[no-untyped-call]
    assert cosine.grad is not None
    assert torch.isfinite(cosine.grad).all()


def test_the_loss_is_cross_entropy_of_scaled_cosines() -> None:
    torch.manual_seed(0)
    loss = SizedMargins([1, 16, 5], 4)
    x = torch.nn.functional.normalize(torch.randn(6, 4), dim=1)
    labels = torch.tensor([0, 1, 2, 0, 1, 2])
    cosines = x @ torch.nn.functional.normalize(loss.W, dim=0)
    turned = torch.cos(torch.acos(cosines) + loss.margins)
    logits = torch.where(torch.nn.functional.one_hot(labels, 3).bool(), turned, cosines) * SCALE
    torch.testing.assert_close(loss(x, labels), torch.nn.functional.cross_entropy(logits, labels), rtol=1e-4, atol=1e-4)
