"""ReLU6 kept once: bit-equal answers and gradients, less memory, undone at the end."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from tests.exporting.fakes import livened
from visionft import backbones
from visionft.backbones import Network, relu6_kept_once
from visionft.planning.step_timing import saved_bytes

EDGES = torch.tensor([-float("inf"), -1.0, -0.0, 0.0, 1e-30, 3.0, 6.0, 6.0001, float("inf"), float("nan")])


def network() -> Network:
    torch.manual_seed(0)
    return livened(backbones.create("mobilenetv2_050", "none", 3, size=64)).eval()


def one_relu6(inplace: bool) -> tuple[Network, nn.ReLU6]:
    whole = backbones.create("test_resnet", "none", 3)
    whole.backbone = nn.ReLU6(inplace)
    return whole, whole.backbone


def passed(module: nn.Module, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    leaf = x.clone().requires_grad_()
    given = leaf * 1
    answer = module(given)
    (answer * torch.arange(1.0, 1 + len(x))).sum().backward()
    assert leaf.grad is not None
    return answer.detach(), given.detach(), leaf.grad


@pytest.mark.parametrize("inplace", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_every_kind_of_number_is_bit_equal(inplace: bool, dtype: torch.dtype) -> None:
    whole, module = one_relu6(inplace)
    truth = passed(module, EDGES.to(dtype))
    with relu6_kept_once(whole) as modules:
        assert modules == 1
        for one, other in zip(passed(module, EDGES.to(dtype)), truth, strict=True):
            torch.testing.assert_close(one, other, rtol=0, atol=0, equal_nan=True)


def test_a_network_is_bit_equal_and_keeps_less() -> None:
    plain, x = network(), torch.randn(4, 3, 64, 64)
    kept = copy.deepcopy(plain)
    plain(x).sum().backward()
    before = {name: (type(module), set(module.__dict__)) for name, module in kept.named_modules()}
    with relu6_kept_once(kept):
        kept(x).sum().backward()
        assert saved_bytes(kept, (64, 64)) < 0.8 * saved_bytes(plain, (64, 64))
    assert {name: (type(module), set(module.__dict__)) for name, module in kept.named_modules()} == before
    for one, other in zip(kept.parameters(), plain.parameters(), strict=True):
        assert one.grad is not None
        assert other.grad is not None
        assert torch.equal(one.grad, other.grad)


def test_a_copy_works_without_the_block_of_the_first() -> None:
    whole, x = network(), torch.randn(2, 3, 64, 64)
    with relu6_kept_once(whole), torch.no_grad():
        copied, truth = copy.deepcopy(whole), whole(x)
    with torch.no_grad():
        assert torch.equal(copied(x), truth)
        assert torch.equal(whole(x), truth)


def test_a_part_of_a_tensor_is_changed_in_place() -> None:
    whole, module = one_relu6(inplace=True)
    leaf = torch.linspace(-3, 9, 24).view(4, 6).requires_grad_()
    with relu6_kept_once(whole):
        given = leaf * 1
        module(given[:, :3])
        given.sum().backward()
    expected = torch.cat([leaf.detach()[:, :3].clamp(0, 6), leaf.detach()[:, 3:]], 1)
    assert torch.equal(given.detach(), expected)
    inside = (leaf.detach() > 0) & (leaf.detach() < 6)
    inside[:, 3:] = True
    assert leaf.grad is not None
    assert torch.equal(leaf.grad, inside.float())


def test_a_block_within_a_block_changes_nothing() -> None:
    whole, module = one_relu6(inplace=True)
    with relu6_kept_once(whole) as outer:
        with relu6_kept_once(whole) as inner:
            assert (outer, inner) == (1, 0)
        assert "forward" in module.__dict__
    assert "forward" not in module.__dict__
