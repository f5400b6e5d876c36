"""Frozen norms done by convolutions: the same answers, the same gradients of the same parameters, undone at the end."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from timm.layers.norm_act import BatchNormAct2d
from torch import Tensor, nn

from tests.exporting.fakes import livened
from visionft import backbones, methods
from visionft.backbones import Network, norms_carried
from visionft.settings import LoraMethod

FAMILIES = (
    "mobilenetv2_050", "mobilenetv3_small_050", "mobilenetv4_conv_small_050", "test_resnet", "resnet10t", "densenet121",
    "regnetx_002", "test_efficientnet", "repvgg_a0", "ghostnet_050", "dla34", "hrnet_w18_small", "resnest14d",
    "fastvit_t8", "tf_efficientnet_lite0",
)  # fmt: skip


def network(name: str) -> Network:
    torch.manual_seed(0)
    return livened(backbones.create(name, "none", 3, size=64))


def answers(whole: Network, x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    whole.zero_grad()
    logits = whole(x)
    (logits * torch.linspace(-1, 1, logits.numel(), dtype=x.dtype).view_as(logits)).sum().backward()
    return logits.detach(), {n: p.grad for n, p in whole.named_parameters() if p.grad is not None}


def agree(one: Any, other: Any) -> None:
    torch.testing.assert_close(one[0], other[0], rtol=1e-9, atol=1e-9 * float(other[0].abs().max()))
    assert one[1].keys() == other[1].keys()
    scale = max(float(gradient.abs().max()) for gradient in other[1].values())
    for name, gradient in one[1].items():
        torch.testing.assert_close(gradient, other[1][name], rtol=1e-6, atol=1e-9 * scale, msg=name)


@pytest.mark.parametrize("name", FAMILIES)
def test_answers_and_gradients_are_the_same(name: str) -> None:
    plain = network(name).eval()
    x = torch.randn(2, 3, *plain.input_size, dtype=torch.double)
    carried = copy.deepcopy(plain)
    truth = answers(plain.double(), x)
    with norms_carried(carried) as pairs:
        assert pairs > 3
        agree(answers(carried.double(), x), truth)
    agree(answers(carried, x), truth)


def adapted(name: str) -> Network:
    """Return a network whose convolutions have updates that are not zero."""
    whole = network(name).eval()
    methods.edit(whole, LoraMethod(rank=2), check=False)
    for parameter_name, parameter in whole.named_parameters():
        if parameter_name.endswith(".B"):
            nn.init.normal_(parameter, std=0.1)
    return whole


@pytest.mark.parametrize("name", ["mobilenetv2_050", "test_resnet", "tf_efficientnet_lite0"])
def test_kernels_under_low_rank_updates_carry_too(name: str) -> None:
    plain = adapted(name)
    x = torch.randn(2, 3, *plain.input_size, dtype=torch.double)
    carried = copy.deepcopy(plain)
    truth = answers(plain.double(), x)
    with norms_carried(carried) as pairs, norms_carried(network(name)) as without:
        assert pairs == without
        agree(answers(carried.double(), x), truth)
        folded = copy.deepcopy(carried)  # as the weights of a run are written in the middle of it
        methods.fold(folded, LoraMethod(rank=2))
        torch.testing.assert_close(folded(x), truth[0])
        agree(answers(carried, x), truth)
    agree(answers(carried, x), truth)


def test_modules_names_and_modes_are_what_they_were() -> None:
    whole = network("mobilenetv2_050").train()
    before = {name: (type(module), set(module.__dict__)) for name, module in whole.named_modules()}
    state = {name: tensor.clone() for name, tensor in whole.state_dict().items()}
    with norms_carried(whole):
        assert list(whole.state_dict()) == list(state)
        assert all(module.training for module in whole.modules())
        assert any("forward" in module.__dict__ for module in whole.modules())
    assert {name: (type(module), set(module.__dict__)) for name, module in whole.named_modules()} == before
    assert all(torch.equal(tensor, state[name]) for name, tensor in whole.state_dict().items())


def test_norms_that_gather_statistics_work_as_ever() -> None:
    plain = network("test_resnet").train()
    carried, x = copy.deepcopy(plain), torch.randn(4, 3, 64, 64)
    truth = plain(x)
    with norms_carried(carried):
        assert torch.equal(carried(x), truth)
    assert all(torch.equal(one, other) for one, other in zip(carried.buffers(), plain.buffers(), strict=True))


def test_a_copy_has_norms_of_its_own() -> None:
    whole, x = network("test_resnet").eval(), torch.randn(2, 3, 64, 64)
    with norms_carried(whole), torch.no_grad():
        copied, truth = copy.deepcopy(whole), whole(x)
        for module in whole.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.weight.zero_()
        assert torch.equal(copied(x), truth)
        assert not torch.equal(whole(x), truth)


def test_less_is_kept_for_the_backward_pass() -> None:
    from visionft.planning.step_timing import saved_bytes

    whole = network("mobilenetv2_050").eval()
    plain = saved_bytes(whole, (64, 64))
    with norms_carried(whole):
        assert saved_bytes(whole, (64, 64)) < 0.8 * plain


class Read(nn.Module):
    """A block in which something else reads the convolution's result too."""

    def __init__(self, norm: nn.Module) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 8, 3), norm

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x)
        z: Tensor = self.norm(y) + y.mean()
        return z.mean((2, 3))


@pytest.mark.parametrize("norm", [nn.BatchNorm2d(8), BatchNormAct2d(8)], ids=["norm", "norm and activation"])
def test_a_result_that_others_read_is_left_alone(norm: nn.Module) -> None:
    whole = network("test_resnet").eval()
    whole.backbone = Read(norm)
    with norms_carried(whole) as pairs:
        assert pairs == 0


def test_kernels_larger_than_what_they_make_are_left_alone() -> None:
    whole = network("resnet10t")
    with norms_carried(whole):
        plain = (name for name, module in whole.named_modules() if "forward" not in module.__dict__)
        kept = {name.split(".")[1] for name in plain if name.endswith(("conv1", "conv2"))}
        assert "layer4" in kept
        assert "layer1" not in kept


def test_a_network_without_norms_is_left_alone() -> None:
    with norms_carried(network("test_vit")) as pairs:
        assert pairs == 0
