"""The evaluation transform that a backbone's weights were made for."""

from __future__ import annotations

import math
from typing import Any

from timm.data.config import resolve_data_config

from visionft.backbones.hub import blueprint
from visionft.backbones.network import Network
from visionft.preprocess import Preprocess, Resize, supported
from visionft.settings import PreprocessSettings

RESIZE: dict[str, Resize] = {"auto": "shortest", "crop": "shortest", "pad": "longest", "squash": "squash"}


def preprocess(network: Network | str, settings: PreprocessSettings) -> Preprocess:
    """Return the transform of a network's (or a timm name's) weights, under the settings' own wishes.

    timm's crop_pct belongs to the centre crop: padding and squashing fill the input unless the settings name a share.
    A mode that is still "auto" is the weights' own, the crop.

    Raises:
        BackboneError: timm has no backbone of this name.
    """
    cfg: dict[str, Any] = network.pretrained_cfg if isinstance(network, Network) else vars(blueprint(network).cfg)
    config = resolve_data_config(pretrained_cfg=cfg)  # type: ignore[no-untyped-call]  # timm left it untyped
    own = network.input_size if isinstance(network, Network) else tuple(config["input_size"][1:])
    height, width = settings.sides or own
    share = settings.crop_pct or (config["crop_pct"] if RESIZE[settings.mode] == "shortest" else 1.0)
    return Preprocess(
        size=(height, width),
        resize=RESIZE[settings.mode],
        resize_to=math.floor(min(height, width) / share),
        interpolation=supported(config["interpolation"]),
        mean=tuple(config["mean"]),
        std=tuple(config["std"]),
    )
