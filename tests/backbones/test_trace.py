"""The order in which a pass calls modules, and what they answer."""

from __future__ import annotations

import pytest
import torch

from visionft import backbones
from visionft.backbones import Network
from visionft.backbones.trace import PHOTOS, Answer, Trace, noise, trace


@pytest.fixture(scope="module")
def network() -> Network:
    torch.manual_seed(0)
    return backbones.create("test_vit", "none", 3).eval()


@pytest.fixture(scope="module")
def traced(network: Network) -> Trace:
    return trace(network, (network.input_size[0], network.input_size[1]))


def test_all_passes_call_the_same_modules_in_the_same_order(network: Network, traced: Trace) -> None:
    assert traced.repeats
    names = [call.name for call in traced.calls]
    assert names.index("patch_embed") < names.index("blocks.0") < names.index("blocks.1") < names.index("norm")
    assert traced.counts["blocks.0"] == 1


def test_a_call_knows_what_is_around_it(traced: Trace) -> None:
    call = next(call for call in traced.calls if call.name == "blocks.0.attn.qkv")
    assert call.around[-3:] == ("blocks.0", "blocks.0.attn", "blocks.0.attn.qkv")
    assert call.given is not None
    assert call.given[0] == PHOTOS


def test_the_boundary_of_a_share_is_the_outermost_module_that_is_all_in_it(network: Network, traced: Trace) -> None:
    upper = [name for name, _ in network.backbone.named_parameters() if name.startswith(("blocks.1.", "norm."))]
    assert traced.first_of(network.backbone, upper) == "blocks.1"
    assert traced.hands_over_a_tensor("blocks.1")
    assert traced.first_of(network.backbone, []) is None


def test_what_had_ended_before_a_boundary_can_be_replaced_with_its_form(traced: Trace) -> None:
    forms = dict(traced.replaceable_before("blocks.1"))
    assert {"patch_embed", "blocks.0"} <= set(forms)
    assert not [name for name in forms if name.startswith(("blocks.0.", "blocks.1"))]
    answer = forms["blocks.0"]
    assert isinstance(answer, Answer)
    assert answer.single
    [shape] = answer.shapes
    assert shape[0] == (0, 1), "the first dimension is that of the photos"
    assert all(each == 0 for _, each in shape[1:])


def test_noise_is_that_of_its_seed(network: Network) -> None:
    one, again, other = (noise(network, (8, 8), 2, seed) for seed in (0, 0, 1))
    assert one.shape == (2, 3, 8, 8)
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


def test_no_hook_stays(network: Network, traced: Trace) -> None:
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in network.backbone.modules())
