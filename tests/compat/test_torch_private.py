"""Canaries: each says what broke, and who needs it, where another version of torch lacks a private name."""

from __future__ import annotations

import copy
from typing import Any

import torch
from timm.layers import BatchNormAct2d
from torch import nn

from visionft.compat.torch_private import (
    TorchDispatchMode,
    conv_forward,
    fake_tensors,
    is_batch_norm,
    lerp_all,
    place_of,
    processor_has_bf16,
)


def test_batch_norms_are_told_from_other_layers() -> None:
    words = "torch renamed the base of its batch norms: freezing their statistics and `auto` need it"
    assert all(is_batch_norm(norm) for norm in (nn.BatchNorm1d(3), nn.BatchNorm2d(3), BatchNormAct2d(3))), words
    assert not any(is_batch_norm(other) for other in (nn.LayerNorm(3), nn.GroupNorm(1, 3), nn.Linear(3, 3))), words


def test_a_convolution_takes_other_weights_under_its_own_padding() -> None:
    conv = nn.Conv2d(2, 3, 3, padding=1, padding_mode="reflect")
    x = torch.randn(2, 2, 6, 6)
    words = "torch changed Conv2d._conv_forward: training with frozen batch norms (rewrites/frozen_bn) needs it"
    assert torch.equal(conv_forward(conv, x, conv.weight, conv.bias), conv(x)), words


def test_many_tensors_move_at_once_as_each_would_alone() -> None:
    words = "torch changed _foreach_lerp_: the average of the weights (ema) needs it"
    starts, ends = [torch.randn(3), torch.randn(2, 4)], [torch.randn(3), torch.randn(2, 4)]
    alone = [start.lerp(end, 0.3) for start, end in zip(starts, ends, strict=True)]
    lerp_all(starts, ends, 0.3)
    assert all(map(torch.equal, starts, alone)), words


def test_the_processor_says_whether_it_has_bf16() -> None:
    assert isinstance(processor_has_bf16(), bool), "torch moved its processor checks: --hardware.precision auto asks"


def test_fake_tensors_have_sizes_and_no_memory_and_copies_of_them_too() -> None:
    words = "torch changed FakeTensorMode: `advise --for` needs it"
    with fake_tensors()():
        weight = nn.Parameter(torch.empty(10**6, 10**6))
        copied = copy.deepcopy(nn.ParameterList([weight]))[0]
        assert (weight + copied).untyped_storage().nbytes() == 4 * 10**12, words


def test_a_dispatch_mode_sees_operations() -> None:
    seen = []

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            seen.append((str(func.overloadpacket), func.is_view))
            return func(*args, **(kwargs or {}))

    with Watch():
        torch.ones(3).view(3, 1)
    assert ("aten.view", True) in seen, "torch moved TorchDispatchMode: `advise --for` counts by it"


def test_tensors_that_begin_at_one_place_are_known() -> None:
    words = "torch changed the identity of storages: the average of the weights (ema) and `advise --for` need it"
    base = torch.zeros(4)
    assert place_of(base) == place_of(base.detach()) == place_of(base[:2]), words
    assert place_of(base) != place_of(base[1:]), words
    assert place_of(base) != place_of(base.clone()), words
