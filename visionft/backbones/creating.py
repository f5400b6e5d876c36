"""Any timm backbone by name, with weights from the hub, a file or none, under a new head."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

import timm
import torch
from timm.models import PretrainedCfg
from torch import Tensor, nn
from torch.func import functional_call

from visionft.backbones import pico  # timm knows it from then on
from visionft.backbones.heads import HEADS, HeadKind
from visionft.backbones.hub import create_pretrained
from visionft.backbones.network import Network
from visionft.backbones.weights import WeightSource, load_file, sha256
from visionft.errors import BackboneError

CPU_BACKBONE = "mobilenetv3_large_100.ra_in1k"  # apache-2.0
OFFLINE_BACKBONE = pico.NAME  # its weights are part of the package
GPU_BACKBONE = "convnext_tiny.in12k_ft_in1k"  # apache-2.0


def create(
    name: str,
    weights: str | Path,
    num_classes: int,
    head: HeadKind = "linear",
    *,
    size: int | None = None,
    drop: float = 0.0,
    drop_path: float = 0.0,
) -> Network:
    """Create a network in `eval()` on the CPU. What is not pretrained is drawn from torch's global generator.

    Args:
        name: timm's name, with or without a tag of weights (`mobilenetv2_100`, `mobilenetv2_100.ra_in1k`).
        weights: `hub`, `none`, or the path of a safetensors or torch file.
        num_classes: C, at least 1.
        head: kind of the new head.
        size: side of the square input in pixels; none: that of the weights.
        drop: probability of dropout before the head, in [0, 1).
        drop_path: probability of stochastic depth in the backbone, in [0, 1).

    Raises:
        BackboneError: timm has no such backbone, or it cannot take this size or drop path.
        WeightsError: the weights cannot be had or do not fit.
    """
    cfg = registered(name)
    arguments = _arguments(cfg, size, drop_path)
    try:
        backbone, source = _with_weights(name, cfg, weights, arguments)
    except (TypeError, AssertionError, ValueError) as error:
        raise BackboneError(_refusal(name, arguments, error)) from error
    input_size = (size, size) if size else (cfg.input_size[1], cfg.input_size[2])
    features = _feature_size(backbone.eval(), name, input_size)
    network = Network(
        backbone,
        HEADS[head](features, num_classes),
        name=name,
        source=source,
        features=features,
        num_classes=num_classes,
        input_size=input_size,
        drop=drop,
    )
    return network.eval()


def structure(name: str, num_classes: int, head: HeadKind = "linear", *, size: int | None = None) -> Network:
    """Create a network whose weights are about to be loaded over: `create` without a look at the hub or at a file."""
    return create(name, "none", num_classes, head, size=size)


def takes_any_size(network: Network) -> bool:
    """Whether the backbone takes inputs of other sizes than the one it was created for."""
    return not network.pretrained_cfg.get("fixed_input_size", False)


def registered(name: str) -> PretrainedCfg:
    """Return timm's description of a backbone's weights: those of the tag, or the default ones of a name without tag.

    Raises:
        BackboneError: timm has no such name or tag; the message has the nearest ones.
    """
    architecture, _, tag = name.partition(".")
    if not timm.is_model(architecture):
        raise BackboneError(f"timm has no backbone called {name!r}{_nearest(architecture, timm.list_models())}")
    try:
        cfg = timm.get_pretrained_cfg(name)
    except RuntimeError:
        cfg = None
    if cfg is None and tag:
        tags = [known.partition(".")[2] for known in timm.list_pretrained(f"{architecture}.*")]
        raise BackboneError(f"timm has no weights {tag!r} for {architecture}{_nearest(tag, tags, every=True)}")
    return cfg or PretrainedCfg(architecture=architecture)


def _nearest(word: str, known: list[str], *, every: bool = False) -> str:
    near = known if every else difflib.get_close_matches(word, known, n=3)
    return f"; did you mean {' or '.join(near)}?" if near else "; `visionft models` lists those that exist"


def _arguments(cfg: PretrainedCfg, size: int | None, drop_path: float) -> dict[str, Any]:
    arguments: dict[str, Any] = {"num_classes": 0}
    if size and cfg.fixed_input_size and tuple(cfg.input_size[1:]) != (size, size):
        arguments["img_size"] = size
    if drop_path > 0:
        arguments["drop_path_rate"] = drop_path
    return arguments


def _with_weights(
    name: str, cfg: PretrainedCfg, weights: str | Path, arguments: dict[str, Any]
) -> tuple[nn.Module, WeightSource]:
    if weights == "hub":
        return create_pretrained(name, cfg, **arguments)
    backbone: nn.Module = timm.create_model(name, pretrained=False, **arguments)
    full_name = f"{cfg.architecture}.{cfg.tag}" if cfg.tag else name
    if weights == "none":
        return backbone, WeightSource(name, "none")
    path = Path(weights)
    load_file(backbone, path)
    return backbone, WeightSource(full_name, "file", cfg.license, str(path), sha256(path))


def _refusal(name: str, arguments: dict[str, Any], error: Exception) -> str:
    asked = ", ".join(f"{key}={value}" for key, value in arguments.items() if key != "num_classes") or "no options"
    return f"timm cannot make {name} with {asked} ({_first_line(error)}); keep its size or name another --backbone"


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _feature_size(backbone: nn.Module, name: str, input_size: tuple[int, int]) -> int:
    """Return D by sending one photo of zeros through the backbone, on the meta device, where it costs nothing."""
    try:
        shape = _answer(backbone, input_size).shape
    except Exception as error:  # whatever a model cannot do with this size
        pixels = f"{input_size[0]} x {input_size[1]} pixels"
        raise BackboneError(
            f"{name} cannot take photos of {pixels} ({_first_line(error)}); choose another --preprocess.size"
        ) from error
    if len(shape) != 2:
        raise BackboneError(f"{name} answers {tuple(shape)}, not one vector a photo; choose another --backbone")
    return int(shape[1])


@torch.no_grad()
def _answer(backbone: nn.Module, input_size: tuple[int, int]) -> Tensor:
    tensors = {**dict(backbone.named_parameters()), **dict(backbone.named_buffers())}
    meta = {name: torch.empty_like(tensor, device="meta") for name, tensor in tensors.items()}
    try:
        # tied: torch would swap a module that sits in two places twice, and leave it on meta (coat)
        blank = torch.empty(1, 3, *input_size, device="meta")
        answer: Tensor = functional_call(backbone, meta, (blank,), tie_weights=False)
    except Exception:  # noqa: BLE001  # a few models keep plain tensors, which are not on meta: only the real thing tells
        answer = backbone(torch.zeros(1, 3, *input_size))
    return answer
