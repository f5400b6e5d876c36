"""Canaries: each says what broke, and who needs it, where another version of timm lacks a private name."""

from __future__ import annotations

import timm

from visionft.compat.timm_private import create_vision_transformer, flatten_modules


def test_modules_are_flattened_by_name_in_the_order_of_the_depth_map() -> None:
    network = timm.create_model("test_vit", num_classes=0)
    names = [name for name, _ in flatten_modules(network.named_children(), depth=2)]
    assert any(name.startswith("blocks") for name in names), "timm changed flatten_modules: the depth map needs it"


def test_a_vision_transformer_is_built_by_timms_own_maker() -> None:
    made = create_vision_transformer("test_vit", pretrained=False, embed_dim=64, num_heads=2, depth=1, num_classes=0)
    assert made.num_features == 64, "timm changed _create_vision_transformer: visionft_pico is built by it"
