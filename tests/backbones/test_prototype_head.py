"""A head keeps the space of its prototypes beside its rows, and answers without it."""

from __future__ import annotations

import torch
from torch import nn

from visionft.backbones.heads import Head, LinearHead, MlpHead
from visionft.backbones.network import Network
from visionft.backbones.prototype_head import PrototypeHead, with_space
from visionft.backbones.weights import WeightSource

D, C = 4, 3


def network(head: Head) -> Network:
    """Return a network whose features are the pixels themselves."""
    source = WeightSource("flat", "none")
    return Network(nn.Flatten(), head, name="flat", source=source, features=D, num_classes=C, input_size=(1, 1))


def drawn(head: LinearHead) -> LinearHead:
    torch.manual_seed(0)
    head.set_solution(torch.randn(C, D), torch.randn(C))
    return head


def test_a_space_is_empty_at_the_start_and_no_answer_needs_it() -> None:
    head, x = PrototypeHead(D, C), torch.randn(5, D)
    drawn(head)
    before = head(x)
    assert not head.solved
    metric = torch.diag(torch.arange(1.0, D + 1))
    head.set_space(metric, torch.full((D,), 0.5), 0.25)
    assert head.solved
    assert torch.equal(head.metric, metric)
    assert head.centre.tolist() == [0.5] * D
    assert head.noise.item() == 0.25
    assert torch.equal(head(x), before)


def test_the_space_is_kept_with_the_weights_and_is_not_trained() -> None:
    head, other = PrototypeHead(D, C), PrototypeHead(D, C)
    head.set_space(torch.eye(D), torch.ones(D), 2.0)
    assert [name for name, _ in head.named_parameters()] == ["weight", "bias"]
    other.load_state_dict(head.state_dict())
    assert other.solved
    assert torch.equal(other.centre, head.centre)
    assert other.noise.item() == 2.0


def test_room_for_a_space_comes_and_goes_and_the_rows_stay() -> None:
    linear = drawn(LinearHead(D, C))
    changed = network(linear).eval()
    with_space(changed, True)
    assert isinstance(changed.head, PrototypeHead)
    assert not changed.head.solved
    assert not changed.head.training
    assert torch.equal(changed.head.weight, linear.weight)
    assert torch.equal(changed.head.bias, linear.bias)
    changed.head.set_space(torch.eye(D), torch.ones(D), 1.0)
    kept = changed.head
    with_space(changed, True)
    assert changed.head is kept, "it has its space still"
    changed.train()
    with_space(changed, False)
    assert type(changed.head) is LinearHead
    assert changed.head.training
    assert torch.equal(changed.head.weight, linear.weight)
    assert set(changed.head.state_dict()) == {"weight", "bias"}


def test_heads_that_are_not_linear_have_no_room_for_one() -> None:
    head = MlpHead(D, C)
    changed = network(head)
    with_space(changed, True)
    assert changed.head is head
