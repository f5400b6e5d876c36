"""Batch norms folded into convolutions: the same features, fewer modules, the network itself untouched."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrize

from tests.exporting.fakes import livened
from visionft import backbones, methods
from visionft.backbones import Network, norms_carried
from visionft.backbones.rewrites import fuse_bn
from visionft.backbones.rewrites.fuse_bn import Folding, folded
from visionft.settings import LoraMethod


def network(name: str, size: int = 64) -> Network:
    return livened(backbones.create(name, "none", 3, size=size))


def norms(module: nn.Module) -> int:
    return sum(isinstance(part, nn.BatchNorm2d) for part in module.modules())


@pytest.mark.parametrize(
    ("name", "left"),
    [
        ("mobilenetv2_050", 0),
        ("test_resnet", 0),
        ("test_efficientnet", 0),
        ("mobilenetv3_small_050", 0),
        ("resnet10t", 0),
        ("tf_efficientnet_lite0", 0),
    ],
)
@torch.no_grad()
def test_the_features_are_the_same_without_the_norms(name: str, left: int) -> None:
    whole = network(name)
    before = copy.deepcopy(whole.state_dict())
    x = torch.randn(4, 3, 64, 64)

    quick = folded(whole)

    assert quick is not whole
    assert norms(whole) > 0
    assert norms(quick) == left
    truth = whole.embed(x)
    torch.testing.assert_close(quick.embed(x), truth, rtol=1e-4, atol=1e-5 * float(truth.abs().max()))
    assert all(torch.equal(before[key], value) for key, value in whole.state_dict().items())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in whole.modules())


@torch.no_grad()
def test_a_norm_before_its_convolution_stays() -> None:
    whole, x = network("densenet121"), torch.randn(2, 3, 64, 64)
    quick = folded(whole)
    assert 0 < norms(quick) < norms(whole)
    torch.testing.assert_close(quick.embed(x), whole.embed(x), rtol=1e-3, atol=1e-4)


def test_a_network_without_batch_norms_is_itself() -> None:
    whole = backbones.create("test_vit", "none", 3)
    assert folded(whole) is whole


def test_what_would_answer_otherwise_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = network("test_resnet")
    monkeypatch.setattr(fuse_bn, "fuse_conv_bn_weights", lambda w, *_: (nn.Parameter(2 * w), None))
    assert folded(whole) is whole


def test_the_global_random_numbers_are_left_alone() -> None:
    whole = network("test_resnet")
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    folded(whole)
    assert torch.equal(torch.rand(1), expected)


def test_kernels_under_low_rank_updates_are_folded_and_the_network_keeps_them() -> None:
    whole = network("mobilenetv2_050").eval()
    methods.edit(whole, LoraMethod(rank=2), check=False)
    for name, parameter in whole.named_parameters():
        if name.endswith(".B"):
            nn.init.normal_(parameter, std=0.1)
    x = torch.randn(2, 3, *whole.input_size)
    with torch.no_grad():
        quick, truth = folded(whole), whole(x)
        torch.testing.assert_close(quick(x), truth, rtol=1e-4, atol=1e-4 * float(truth.abs().max()))
        assert not any(parametrize.is_parametrized(module) for module in quick.modules())
        assert torch.equal(whole(x), truth)


def test_what_carries_norms_already_is_left_alone() -> None:
    whole = network("mobilenetv2_050").eval()
    x = torch.randn(2, 3, *whole.input_size)
    with norms_carried(whole) as pairs, torch.no_grad():
        quick, truth = folded(whole), whole(x)
        assert norms(quick) == pairs
        torch.testing.assert_close(quick(x), truth, rtol=1e-4, atol=1e-4 * float(truth.abs().max()))


@pytest.mark.parametrize("name", ["mobilenetv2_050", "test_resnet", "resnet10t", "densenet121"])
@torch.no_grad()
def test_a_folded_copy_follows_the_weights_to_the_bit(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, x = network(name).eval(), torch.randn(2, 3, 64, 64)
    folding_once = Folding(whole)
    for tensor in whole.state_dict().values():
        if tensor.is_floating_point():
            tensor.mul_(0.98)
    anew, before = folded(whole)(x), folding_once.network(x)
    monkeypatch.setattr(fuse_bn.copy, "deepcopy", None)

    folding_once.refresh()

    assert torch.isfinite(anew).all()
    assert not torch.allclose(before, anew, rtol=1e-3)
    assert torch.equal(folding_once.network(x), anew)


@torch.no_grad()
def test_a_network_that_cannot_be_folded_follows_itself() -> None:
    whole, x = backbones.create("test_vit", "none", 3).eval(), torch.randn(1, 3, 160, 160)
    same = Folding(whole)
    whole.head.bias.add_(1.0)
    same.refresh()
    assert same.network is whole
    assert torch.equal(same.network(x), whole(x))
