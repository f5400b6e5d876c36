"""What a parameter is for."""

import pytest

from tests.methods.making import edited
from visionft import backbones, methods
from visionft.settings import AnyMethod, BitfitMethod, FullMethod, LoraMethod, NormMethod, PromptMethod


def test_roles_of_a_transformer_and_of_a_convolutional_net() -> None:
    vit = backbones.create("test_vit", "none", 3)
    roles = {name: methods.role_of(vit, name) for name, _ in vit.named_parameters()}
    assert roles["backbone.blocks.0.attn.qkv.weight"] == "weight"
    assert roles["backbone.blocks.0.attn.qkv.bias"] == "bias"
    assert roles["backbone.blocks.0.norm1.bias"] == "norm_bias"
    assert roles["backbone.pos_embed"] == "weight"
    assert roles["head.bias"] == "head"
    scaled = backbones.create("convnext_atto", "none", 3)
    assert methods.role_of(scaled, "backbone.stages.0.blocks.0.gamma") == "norm"
    net = backbones.create("mobilenetv3_small_050", "none", 3)
    assert methods.role_of(net, "backbone.bn1.weight") == "norm"
    assert methods.role_of(net, "backbone.conv_stem.weight") == "weight"


@pytest.mark.parametrize(
    ("method", "roles"),
    [
        (FullMethod(), {"weight", "bias", "norm", "norm_bias"}),
        (LoraMethod(), {"added"}),
        (LoraMethod(lr_ratio=16), {"added", "added_b"}),
        (PromptMethod(), {"added"}),
        (BitfitMethod(), {"bias", "norm_bias"}),
        (NormMethod(), {"norm", "norm_bias"}),
    ],
)
def test_roles_of_a_method(method: AnyMethod, roles: set[str]) -> None:
    assert methods.roles_trained(method) == roles


def test_what_was_added_is_told_from_what_was_there() -> None:
    network = edited(LoraMethod(lr_ratio=4, rank=2, targets="qv"))
    names = methods.added(network)
    assert {name.rpartition(".")[2] for name in names} == {"A", "B"}
    assert {methods.role_of(network, name) for name in names} == {"added", "added_b"}
    assert all(methods.role_of(network, name) == "added_b" for name in names if name.endswith(".B"))
    assert "added" not in {
        methods.role_of(network, name) for name, _ in network.named_parameters() if name not in names
    }
