"""Any timm backbone by name, with weights from the hub, a file or none, under a new head."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import timm
import torch
from torch import Tensor, nn
from torch.func import functional_call

from visionft.backbones import pico
from visionft.backbones.heads import HEADS, HeadKind
from visionft.backbones.hub import blueprint, create_pretrained, weights_of
from visionft.backbones.model_names import Blueprint
from visionft.backbones.network import Network
from visionft.backbones.weights import WeightSource, load_file, require_finite, sha256
from visionft.errors import BackboneError

CPU_BACKBONE = "mobilenetv3_large_100.ra_in1k"  # apache-2.0
OFFLINE_BACKBONE = pico.NAME  # its weights are part of the package
GPU_BACKBONE = "convnext_tiny.in12k_ft_in1k"  # apache-2.0

Size = int | tuple[int, int]
"""Side of a square, or (H, W), in pixels."""
Outputs = int | tuple[int, ...] | Callable[[int], int]
"""Numbers that a head answers with; those of each of its parts; or how many for so many features."""


def create(
    name: str,
    weights: str | Path,
    num_classes: Outputs,
    head: HeadKind = "linear",
    *,
    size: Size | None = None,
    drop: float = 0.0,
    drop_path: float = 0.0,
    projects: bool = False,
) -> Network:
    """Create a network in `eval()` on the CPU. What is not pretrained is drawn from torch's global generator.

    Args:
        name: timm's name, with or without a tag of weights (`mobilenetv2_100`, `mobilenetv2_100.ra_in1k`), `timm/NAME`,
            `hf-hub:OWNER/NAME` for a repository of the hub, or `local-dir:FOLDER` for a folder as timm saves it.
        weights: `hub` for those that come with the name, `none`, or the path of a safetensors or torch file.
        num_classes: C, at least 1, in parts where there are several, or what makes it of the features D.
        head: kind of the new head.
        size: side of the square input in pixels, or (H, W); none: that of the weights.
        drop: probability of dropout before the head, in [0, 1).
        drop_path: probability of stochastic depth in the backbone, in [0, 1).
        projects: whether the head is a projection, whose answer is the embedding.

    Raises:
        BackboneError: timm has no such backbone, or it cannot take this size or drop path.
        WeightsError: the weights cannot be had, do not fit, or are not finite.
    """
    plan = blueprint(name)
    arguments = _arguments(plan, _pair(size), drop_path)
    try:
        backbone, source = _with_weights(name, plan, weights, arguments)
    except (TypeError, AssertionError, ValueError) as error:
        raise BackboneError(_refusal(name, arguments, error)) from error
    return _network(name, plan, backbone, source, num_classes, head, size, drop, projects)


def structure(
    name: str,
    num_classes: Outputs,
    head: HeadKind = "linear",
    *,
    size: Size | None = None,
    model: Mapping[str, Any] | None = None,
    projects: bool = False,
) -> Network:
    """Create a network whose weights are about to be loaded over: `create` without a look at the hub or at a file.

    Args:
        name: as for `create`.
        num_classes: C, at least 1, or what makes it of the features D.
        head: kind of the head.
        size: as for `create`.
        model: `WeightSource.model` of what is to be built again; without it a folder or the hub is asked.
        projects: as for `create`.
    """
    plan = blueprint(name) if model is None else Blueprint.from_json(model)
    arguments = _arguments(plan, _pair(size), 0.0)
    try:
        backbone = untrained(plan, arguments)
    except (TypeError, AssertionError, ValueError) as error:
        raise BackboneError(_refusal(name, arguments, error)) from error
    return _network(name, plan, backbone, WeightSource(name, "none"), num_classes, head, size, 0.0, projects)


def _network(
    name: str,
    plan: Blueprint,
    backbone: nn.Module,
    source: WeightSource,
    num_classes: Outputs,
    head: HeadKind,
    size: Size | None,
    drop: float,
    projects: bool,
) -> Network:
    input_size = _pair(size) or (plan.cfg.input_size[1], plan.cfg.input_size[2])
    features = _feature_size(backbone.eval(), name, input_size)
    parts = parts_of(num_classes)
    outputs = num_classes(features) if callable(num_classes) else sum(parts)
    network = Network(
        backbone,
        HEADS[head](features, outputs, parts),
        name=name,
        source=source,
        features=features,
        num_classes=outputs,
        input_size=input_size,
        drop=drop,
        projects=projects,
    )
    return network.eval()


def parts_of(outputs: Outputs) -> tuple[int, ...]:
    """Return the numbers that each part of a head answers with; none where that follows from the features."""
    if callable(outputs):
        return ()
    return (outputs,) if isinstance(outputs, int) else outputs


def _pair(size: Size | None) -> tuple[int, int] | None:
    return (size, size) if isinstance(size, int) else size


def takes_any_size(network: Network) -> bool:
    """Whether the backbone takes inputs of other sizes than the one it was created for."""
    return not network.pretrained_cfg.get("fixed_input_size", False)


def _arguments(plan: Blueprint, size: tuple[int, int] | None, drop_path: float) -> dict[str, Any]:
    arguments: dict[str, Any] = {**plan.arguments, "num_classes": 0}
    fixed = plan.cfg.fixed_input_size or "img_size" in plan.arguments
    if size and fixed and tuple(plan.cfg.input_size[1:]) != size:
        arguments["img_size"] = size[0] if size[0] == size[1] else size
    if drop_path > 0:
        arguments["drop_path_rate"] = drop_path
    return arguments


def untrained(plan: Blueprint, arguments: Mapping[str, Any]) -> nn.Module:
    """Build the timm model of a blueprint with all of its arguments, its weights drawn at random."""
    own: dict[str, Any] = {} if plan.known else {"pretrained_cfg": asdict(plan.cfg)}
    backbone: nn.Module = timm.create_model(plan.known or plan.architecture, pretrained=False, **own, **arguments)
    return backbone


def _with_weights(
    name: str, plan: Blueprint, weights: str | Path, arguments: dict[str, Any]
) -> tuple[nn.Module, WeightSource]:
    model = None if plan.known else plan.to_json()
    if weights == "hub" and plan.known:
        backbone, source = create_pretrained(plan.known, plan.cfg, **arguments)
        require_finite(f"{source.location}", dict(backbone.named_parameters()))
        return backbone, source
    backbone = untrained(plan, arguments)
    full_name = f"{plan.architecture}.{plan.cfg.tag}" if plan.cfg.tag else plan.known or plan.architecture
    if weights == "none":
        return backbone, WeightSource(plan.known or full_name, "none", model=model)
    path = weights_of(plan, name) if weights == "hub" else Path(weights)
    load_file(backbone, path)
    if weights == "hub" and plan.repository:
        return backbone, WeightSource(full_name, "hub", plan.cfg.license, plan.repository, sha256(path), model)
    return backbone, WeightSource(full_name, "file", plan.cfg.license, str(path), sha256(path), model)


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
