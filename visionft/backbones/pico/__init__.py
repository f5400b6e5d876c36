"""visionft_pico: a hybrid of mobilenetv2_100's first layers and a small vision transformer (arXiv 2010.11929).

Its pretrained weights lie beside this file, so that transfer learning works where no hub answers. CARD.md says what
they learned from, LICENSE under which terms; examples/pico of the repository made them.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import timm
from timm.layers.hybrid_embed import HybridEmbed
from timm.models import generate_default_cfgs, register_model
from timm.models.vision_transformer import VisionTransformer
from torch import nn

from visionft.compat.timm_private import create_vision_transformer

NAME = "visionft_pico"
SIDE = 128
WEIGHTS = Path(__file__).with_name("pico.safetensors")
TEACHER, STAGES = "mobilenetv2_100", 5
"""The stem is the teacher's first five stages, so that pretraining can begin from what they know (arXiv 2309.12314)."""

default_cfgs = generate_default_cfgs(
    {
        NAME: {
            "input_size": (3, SIDE, SIDE), "fixed_input_size": True, "crop_pct": 0.9, "interpolation": "bicubic",
            "mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225),
            "file": str(WEIGHTS), "license": "apache-2.0",
            "first_conv": "patch_embed.backbone.conv_stem", "classifier": "head", "num_classes": 0,
        },
    }
)  # fmt: skip


@register_model
def visionft_pico(pretrained: bool = False, **arguments: Any) -> VisionTransformer:
    """64 patches of 16 pixels, 3 blocks of width 128, the mean of all tokens as features (B, 128)."""
    own: dict[str, Any] = {"img_size": SIDE, "patch_size": 1, "embed_dim": 128, "depth": 3, "num_heads": 4}
    own |= {"class_token": False, "global_pool": "avg", "fc_norm": False}
    own |= {"embed_layer": partial(HybridEmbed, backbone=_stem(arguments.get("in_chans", 3)))}
    model: VisionTransformer = create_vision_transformer(NAME, pretrained=pretrained, **{**own, **arguments})
    return model


def _stem(in_chans: int) -> nn.Module:
    """Return the stages that map (B, 3, H, W) to (B, 96, H / 16, W / 16)."""
    stem: nn.Module = timm.create_model(TEACHER, features_only=True, out_indices=(3,), in_chans=in_chans)
    del stem.blocks[STAGES:]  # type: ignore[operator, union-attr]
    return stem
