"""The families of the table: the smallest member of each, with random weights, made smaller where it is still large.

A member that is made smaller is registered with timm under a name of its own, so that `backbones.create` takes it as it
takes any other: same classes, same layers, fewer and narrower blocks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import timm
import torch
from timm.models import register_model
from torch import Tensor, nn

from visionft import backbones
from visionft.backbones import Network

CLASSES = 5
PHOTOS = 6


@dataclass(frozen=True)
class Family:
    """One row of the table.

    Attributes:
        member: timm's name.
        side: of the square input in pixels.
        smaller: timm's arguments that make it smaller.
    """

    member: str
    side: int = 64
    smaller: dict[str, Any] = field(default_factory=dict)


def vit(member: str, side: int = 64, **smaller: Any) -> Family:
    """Return a member with two blocks."""
    return Family(member, side, {"img_size": side, "depth": 2, **smaller})


NARROW = {"embed_dim": 192, "num_heads": 3}
FOUR = {"depths": (1, 1, 1, 1)}
FAMILIES: dict[str, Family] = {
    "vit": vit("vit_tiny_patch16_224"),
    "visionft_pico": vit("visionft_pico"),
    "deit": vit("deit_tiny_distilled_patch16_224"),
    "beit": vit("beit_base_patch16_224", **NARROW),
    "beitv2": vit("beitv2_base_patch16_224", **NARROW),
    "eva02": vit("eva02_tiny_patch14_224", 56),
    "clip": vit("vit_base_patch16_clip_224", **NARROW),
    "siglip": vit("vit_base_patch16_siglip_224", **NARROW),
    "dinov2": vit("vit_small_patch14_dinov2", 56),
    "dinov3": vit("vit_small_patch16_dinov3"),
    "samvit": vit("samvit_base_patch16_224", **NARROW),
    "naflexvit": vit("naflexvit_base_patch16_gap", **NARROW),
    "cait": vit("cait_xxs24_224"),
    "xcit": vit("xcit_nano_12_p16_224"),
    "tnt": vit("tnt_s_patch16_224"),
    "volo": Family("volo_d1_224", 64, {"img_size": 64}),
    "swin": Family("swin_tiny_patch4_window7_224", 112, {"img_size": 112, "depths": (2, 2, 1, 1)}),
    "swinv2": Family("swinv2_tiny_window8_256", 128, {"img_size": 128, "depths": (2, 2, 1, 1)}),
    "hiera": Family("hiera_tiny_224", 64, {"img_size": 64, "stages": (1, 1, 1, 1)}),
    "mvitv2": Family("mvitv2_tiny", 64, {"img_size": 64}),
    "pvt_v2": Family("pvt_v2_b0", 64, FOUR),
    "davit": Family("davit_tiny", 64, FOUR),
    "levit": Family("levit_128s", 128, {"img_size": 128}),
    "tiny_vit": Family("tiny_vit_5m_224", 64, {"depths": (1, 1, 2, 1)}),
    "nest": Family("nest_tiny", 64, {"img_size": 64}),
    "twins": Family("twins_svt_small", 64, {"depths": (1, 1, 2, 1)}),
    "coat": Family("coat_tiny", 64, {"img_size": 64, "serial_depths": (1, 1, 1, 1)}),
    "crossvit": Family("crossvit_tiny_240", 240),
    "pit": Family("pit_ti_224", 64, {"img_size": 64}),
    "visformer": Family("visformer_tiny", 64, {"img_size": 64, "depth": (2, 1, 1)}),
    "gcvit": Family("gcvit_xxtiny", 64, {"img_size": 64}),
    "vitamin": Family("vitamin_small_224", 64, {"img_size": 64}),
    "nextvit": Family("nextvit_small", 64, {"depths": (1, 1, 5, 1)}),
    "maxvit": Family("maxvit_rmlp_pico_rw_256", 64, {"img_size": 64, **FOUR}),
    "coatnet": Family("coatnet_nano_rw_224", 64, {"img_size": 64, **FOUR}),
    "mobilevit": Family("mobilevit_xxs"),
    "mobilevitv2": Family("mobilevitv2_050"),
    "edgenext": Family("edgenext_xx_small", 64, {"depths": (1, 2, 2, 2)}),
    "efficientformer": Family("efficientformer_l1", 224, {"depths": (1, 1, 1, 2)}),
    "efficientformerv2": Family("efficientformerv2_s0", 64, {"img_size": 64}),
    "swiftformer": Family("swiftformer_xs"),
    "shvit": Family("shvit_s1"),
    "fastvit": Family("fastvit_t8"),
    "repvit": Family("repvit_m0_9"),
    "efficientvit": Family("efficientvit_b0"),
    "efficientvit_msra": Family("efficientvit_m0", 128, {"img_size": 128}),
    "mixer": Family("mixer_s32_224", 128, {"img_size": 128}),
    "resmlp": Family("resmlp_12_224", 64, {"img_size": 64}),
    "gmlp": Family("gmlp_s16_224", 64, {"img_size": 64}),
    "sequencer2d": Family("sequencer2d_s", 64, {"layers": (1, 1, 1, 1)}),
    "poolformer": Family("poolformer_s12"),
    "caformer": Family("caformer_s18"),
    "convformer": Family("convformer_s18"),
    "focalnet": Family("focalnet_tiny_srf"),
    "mambaout": Family("mambaout_femto", 64, FOUR),
    "inception_next": Family("inception_next_atto", 64, FOUR),
    "convnext": Family("convnext_atto", 64, FOUR),
    "convnextv2": Family("convnextv2_atto", 64, FOUR),
    "starnet": Family("starnet_s1"),
    "resnet": Family("resnet18"),
    "resnetv2": Family("resnetv2_50", 64, {"layers": (1, 1, 1, 1)}),
    "nfnet": Family("nfnet_l0", 64, FOUR),
    "regnet": Family("regnety_002"),
    "densenet": Family("densenet121", 64, {"block_config": (2, 2, 2, 2)}),
    "vgg": Family("vgg11", 64, {"mlp_ratio": 1 / 16}),
    "dla": Family("dla46x_c"),
    "hrnet": Family("hrnet_w18_small"),
    "hgnet": Family("hgnet_tiny"),
    "ghostnet": Family("ghostnet_050"),
    "mobilenetv2": Family("mobilenetv2_035"),
    "mobilenetv3": Family("mobilenetv3_small_050"),
    "mobileone": Family("mobileone_s0"),
    "efficientnet": Family("efficientnet_b0"),
    "rexnet": Family("rexnet_100"),
    "rdnet": Family("rdnet_tiny"),
    "lcnet": Family("lcnet_050"),
}


def make(family: Family) -> Network:
    """Create the member with live random weights: nothing that timm starts at zero is left there."""
    torch.manual_seed(0)
    network = backbones.create(_registered(family), "none", CLASSES, size=family.side)
    _enliven(network)
    _settle(network.backbone, photos(network))
    return network.eval()


def photos(network: Network, n: int = PHOTOS, seed: int = 0) -> Tensor:
    """Return noise (n, 3, H, W) in the range of normalised photos."""
    return torch.randn(n, 3, *network.input_size, generator=torch.Generator().manual_seed(seed))


def _registered(family: Family) -> str:
    if not family.smaller:
        return family.member
    name = f"{family.member}_smaller"

    def entrypoint(pretrained: bool = False, **arguments: Any) -> nn.Module:
        member: nn.Module = timm.create_model(family.member, pretrained, **{**family.smaller, **arguments})
        return member

    entrypoint.__name__ = name
    if not timm.is_model(name):
        register_model(entrypoint)
    return name


@torch.no_grad()
def _enliven(network: Network) -> None:
    """Draw what starts at zero or next to it (last gains, layer scales, zero-init weights, biases, the new head)."""
    for parameter in network.parameters():
        if parameter.ndim > 1 and parameter.abs().max() < NEXT_TO_ZERO:
            nn.init.normal_(parameter, std=0.5 * parameter[0].numel() ** -0.5)
        elif parameter.ndim <= 1 and parameter.abs().max() < NEXT_TO_ZERO:
            nn.init.uniform_(parameter, 0.05, 0.2)


NEXT_TO_ZERO = 1e-3  # layer scales start at 1e-4 to 1e-6


@torch.no_grad()
def _settle(backbone: nn.Module, x: Tensor) -> None:
    """Take running statistics from one batch: with those of an untrained norm, activations vanish or explode."""
    norms = [module for module in backbone.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 1.0
    backbone.train()(x)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    backbone.eval()
