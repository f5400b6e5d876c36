"""A head for other classes answers for those it knew as it did."""

from __future__ import annotations

from typing import get_args

import pytest
import torch

from visionft import backbones
from visionft.backbones import HeadKind, Network

ROWS = (2, None, 0)  # the second class is retired, a new one comes between the others


def network(head: HeadKind) -> Network:
    """Return a network whose head is no longer as new."""
    torch.manual_seed(3)
    made = backbones.create("test_resnet", "none", 3, head, size=32)
    with torch.no_grad():
        for parameter in made.head.parameters():
            parameter.add_(torch.randn_like(parameter))
    return made


@pytest.mark.parametrize("head", get_args(HeadKind))
def test_kept_rows_answer_bit_for_bit_in_their_new_places(head: HeadKind) -> None:
    grown = network(head)
    features = torch.randn(5, grown.features)
    before = grown.head(features)
    backbones.regrow(grown, head, ROWS)
    after = grown.head(features)
    assert (grown.num_classes, after.shape) == (3, (5, 3))
    state, old = grown.head.state_dict(), network(head).head.state_dict()
    for name, tensor in old.items():
        if name in ("weight", "bias", "out.weight", "out.bias"):
            assert torch.equal(state[name][[0, 2]], tensor[[2, 0]]), name
        else:
            assert torch.equal(state[name], tensor), name
    assert torch.allclose(after[:, [0, 2]], before[:, [2, 0]], atol=1e-6)


@pytest.mark.parametrize("head", ["linear", "mlp"])
def test_a_new_row_answers_zero(head: HeadKind) -> None:
    grown = network(head)
    backbones.regrow(grown, head, ROWS)
    assert not grown.head(torch.randn(5, grown.features))[:, 1].any()


def test_a_new_row_of_a_cosine_head_points_somewhere() -> None:
    grown = network("cosine")
    backbones.regrow(grown, "cosine", ROWS)
    assert grown.head.state_dict()["weight"][1].norm() > 0


@pytest.mark.parametrize("head", get_args(HeadKind))
def test_no_class_need_be_kept(head: HeadKind) -> None:
    grown = network(head)
    backbones.regrow(grown, head, [None] * 4)
    assert grown.head(torch.randn(2, grown.features)).shape == (2, 4)
    assert not grown.head.training


@pytest.mark.parametrize("head", get_args(HeadKind))
def test_the_parts_of_the_next_head_are_its_own(head: HeadKind) -> None:
    grown = network(head)
    backbones.regrow(grown, head, (0, 1, 2, None, None), (3, 2))
    assert getattr(grown.head, "out", grown.head).parts == (3, 2)
    assert grown.head(torch.randn(2, grown.features)).shape == (2, 5)
