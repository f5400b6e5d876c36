"""What a backbone does with a photo, found out by one pass."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrize

from tests.methods.making import edited, small
from visionft import backbones, methods
from visionft.errors import BackboneError
from visionft.methods.forward_probe import bypassed, require_separable, run_once, shapes
from visionft.methods.lora import LoraLinear
from visionft.methods.target_modules import find
from visionft.settings import LoraMethod


def test_models_that_read_past_the_module_get_the_weight_form() -> None:
    network = edited(LoraMethod(), "eva02_tiny_patch14_224")
    qkv, proj = (network.backbone.get_submodule(f"blocks.0.attn.{name}") for name in ("qkv", "proj"))
    assert parametrize.is_parametrized(qkv, "weight")
    assert isinstance(proj, LoraLinear)


def test_rows_that_are_interleaved_are_refused() -> None:
    with pytest.raises(BackboneError, match=r"cannot be told apart; give --method.targets attention"):
        methods.edit(small("test_maxvit"), LoraMethod(targets="qv"))


def test_dead_updates_are_named() -> None:
    network = small()
    nn.init.zeros_(network.backbone.get_parameter("blocks.5.mlp.fc2.weight"))
    nn.init.zeros_(network.backbone.get_parameter("blocks.5.mlp.fc2.bias"))
    block = network.backbone.get_submodule("blocks.5")
    block.ls2 = nn.Module()  # what follows is multiplied by zero
    block.ls2.forward = lambda x: x * 0
    with pytest.raises(
        BackboneError, match=r"2 of 24 trainable additions get no gradient in test_vit \(blocks\.5\.mlp"
    ):
        methods.edit(network, LoraMethod())


def test_a_frozen_base_from_scratch_may_hold_blocks_that_answer_nothing() -> None:
    network = backbones.create("test_resnet", "none", 3)
    with pytest.raises(BackboneError, match=r"9 of 12 .* in test_resnet .*; start from pretrained weights, or take"):
        methods.edit(network, LoraMethod())


def test_shapes_are_those_of_one_pass_and_no_hook_stays() -> None:
    network = small()
    block, head = network.backbone.get_submodule("blocks.0"), network.head
    seen, unseen = shapes(network, [block, head])
    assert seen is not None
    assert seen[0] == seen[1]
    assert (seen[0][0], seen[0][2]) == (2, network.features)
    assert unseen is None, "the head is no part of the backbone"
    assert not any(module._forward_hooks for module in network.modules())


def test_a_pass_moves_nothing() -> None:
    network = small("test_resnet")
    before = {name: value.clone() for name, value in network.state_dict().items()}
    assert run_once(network, photos=3).shape == (3, network.features)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert bypassed(small()) == frozenset()


def test_a_fused_layer_of_q_above_k_above_v_is_separable_and_comes_back_to_the_bit() -> None:
    network = small()
    before = network.backbone.get_parameter("blocks.0.attn.qkv.weight").clone()
    require_separable(network, find(network, "qv", 1.0))
    assert torch.equal(network.backbone.get_parameter("blocks.0.attn.qkv.weight"), before)
    require_separable(network, [])
