"""Canaries: each says what broke, and who needs it, where another version of timm lacks a private name."""

from __future__ import annotations

import timm
import torch

from visionft.compat.timm_private import checkpoint_filter, create_vision_transformer, flatten_modules


def test_modules_are_flattened_by_name_in_the_order_of_the_depth_map() -> None:
    network = timm.create_model("test_vit", num_classes=0)
    names = [name for name, _ in flatten_modules(network.named_children(), depth=2)]
    assert any(name.startswith("blocks") for name in names), "timm changed flatten_modules: the depth map needs it"


def test_a_vision_transformer_is_built_by_timms_own_maker() -> None:
    made = create_vision_transformer("test_vit", pretrained=False, embed_dim=64, num_heads=2, depth=1, num_classes=0)
    assert made.num_features == 64, "timm changed _create_vision_transformer: visionft_pico is built by it"


def test_a_familys_filter_reads_its_older_layout_under_either_name() -> None:
    vgg = timm.create_model("vgg11", num_classes=0, device="meta")
    found = checkpoint_filter(vgg)
    assert found is not None, "timm renamed _filter_fn of VGG and RegNet: older weight files of theirs need it"
    older = {"classifier.0.weight": torch.zeros(4096, 512 * 7 * 7, device="meta")}
    assert found(older)["pre_logits.fc1.weight"].shape == (4096, 512, 7, 7)
    assert checkpoint_filter(timm.create_model("regnetx_002", num_classes=0, device="meta")) is not None
    assert checkpoint_filter(timm.create_model("test_vit", num_classes=0)) is not None
    assert checkpoint_filter(torch.nn.Linear(1, 1)) is None
