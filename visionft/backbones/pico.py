"""visionft_pico: a vision transformer of a million weights, registered with timm by its name (arXiv 2010.11929)."""

from __future__ import annotations

from functools import partial
from typing import Any

from timm.layers.hybrid_embed import HybridEmbed
from timm.models import generate_default_cfgs, register_model
from timm.models.vision_transformer import VisionTransformer, _create_vision_transformer
from timm.models.vision_transformer_hybrid import ConvStem
from torch import nn

NAME = "visionft_pico"
SIDE = 128

default_cfgs = generate_default_cfgs(
    {
        NAME: {
            "input_size": (3, SIDE, SIDE), "fixed_input_size": True, "crop_pct": 0.9, "interpolation": "bicubic",
            "mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5), "first_conv": "patch_embed.backbone.0.conv",
            "classifier": "head", "num_classes": 0,
        },
    }
)  # fmt: skip


@register_model
def visionft_pico(pretrained: bool = False, **arguments: Any) -> VisionTransformer:
    """64 patches of 16 pixels, 5 blocks of width 128, the mean of all tokens as features (B, 128).

    Patches come out of four small convolutions: such a stem learns faster than one large one (arXiv 2106.14881).
    """
    stem = ConvStem(
        arguments.get("in_chans", 3),
        4,
        (16, 32, 64, 128),
        stride=(2, 2, 2, 2),
        norm_layer=nn.BatchNorm2d,
        act_layer=nn.GELU,
    )
    own: dict[str, Any] = {"img_size": SIDE, "patch_size": 1, "embed_dim": 128, "depth": 5, "num_heads": 4}
    own |= {"class_token": False, "global_pool": "avg", "fc_norm": False}
    own |= {"embed_layer": partial(HybridEmbed, backbone=stem, proj=False)}
    model: VisionTransformer = _create_vision_transformer(NAME, pretrained=pretrained, **{**own, **arguments})
    return model
