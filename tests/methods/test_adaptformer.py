"""Adapters and prompts: what they add, where, and on which backbones they have no place."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from tests.methods.making import edited, photos, small
from visionft import methods
from visionft.errors import BackboneError
from visionft.methods.adaptformer import Bottleneck, ParallelMlp
from visionft.methods.visual_prompts import PromptedBlock
from visionft.settings import AdapterMethod, PromptMethod


def test_a_bottleneck_is_the_formula_of_its_paper() -> None:
    bottleneck = Bottleneck(8, 3, 0.5, 0.0, -1)
    nn.init.normal_(bottleneck.up.weight)
    x = torch.randn(2, 5, 8)
    expected = 0.5 * F.relu(x @ bottleneck.down.weight.T) @ bottleneck.up.weight.T
    assert torch.allclose(bottleneck(x), expected, atol=1e-6)


def test_maps_have_their_features_in_front() -> None:
    tokens, maps = Bottleneck(8, 3, 0.5, 0.0, -1), Bottleneck(8, 3, 0.5, 0.0, 1)
    nn.init.normal_(tokens.up.weight)
    maps.load_state_dict(tokens.state_dict())
    x = torch.randn(2, 4, 6, 8)
    assert torch.allclose(maps(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1), tokens(x), atol=1e-6)


@pytest.mark.parametrize(
    ("name", "blocks"), [("test_vit", 6), ("test_convnext", 9), ("swin_tiny_patch4_window7_224", 12)]
)
def test_adapters_stand_beside_every_mlp_and_change_nothing_at_first(name: str, blocks: int) -> None:
    network = small(name)
    before = network(photos(network))
    done = methods.edit(network, AdapterMethod(width=16))
    assert done is not None
    assert done.places == sum(isinstance(module, ParallelMlp) for module in network.modules()) == blocks
    assert torch.equal(network(photos(network)), before)


def test_an_adapter_adds_its_answer_to_the_mlps() -> None:
    network = edited(AdapterMethod(width=16, scale=0.3))
    mlp = network.backbone.get_submodule("blocks.0.mlp")
    assert isinstance(mlp, ParallelMlp)
    x = torch.randn(2, 5, 64)
    assert torch.allclose(mlp(x), mlp.mlp(x) + mlp.adapter(x))
    assert mlp.adapter.scale == 0.3


@pytest.mark.parametrize(("deep", "sets"), [(True, 6), (False, 1)])
def test_prompts_go_through_the_blocks_and_leave_the_tokens_of_the_photo(deep: bool, sets: int) -> None:
    network = small()
    plain = network.backbone.forward_features(photos(network))
    methods.edit(network, PromptMethod(tokens=4, deep=deep))
    assert network.backbone.forward_features(photos(network)).shape == plain.shape
    assert [network.get_parameter(name).shape for name in methods.added(network)] == [(1, 4, 64)] * sets
    lengths: list[int] = []
    for block in network.backbone.blocks:
        assert isinstance(block, PromptedBlock)
        block.block.register_forward_hook(lambda module, given, answer: lengths.append(given[0].shape[1]))
    network.embed(photos(network))
    assert lengths == [plain.shape[1] + 4] * 6


def test_prompts_change_what_the_photo_is_told() -> None:
    network = edited(PromptMethod())
    assert not torch.allclose(network.embed(photos(network)), small().embed(photos(network)), atol=1e-3)


def test_shallow_prompts_enter_at_the_first_adapted_block() -> None:
    network = small()
    methods.edit(network, PromptMethod(deep=False, unfreeze=0.5))
    wrapped = [isinstance(block, PromptedBlock) for block in network.backbone.blocks]
    assert wrapped == [False, False, True, True, True, True]  # half of a stem and six blocks, rounded up


@pytest.mark.parametrize("name", ["test_resnet", "eva02_tiny_patch14_224", "swin_tiny_patch4_window7_224"])
def test_backbones_that_take_no_more_tokens_say_so(name: str) -> None:
    with pytest.raises(BackboneError, match=f"{name} is no plain vision transformer that takes more tokens; take"):
        methods.edit(small(name), PromptMethod())


def test_backbones_without_mlps_say_so() -> None:
    with pytest.raises(BackboneError, match="test_resnet has no MLPs that an adapter can stand beside; take --method"):
        methods.edit(small("test_resnet"), AdapterMethod())
