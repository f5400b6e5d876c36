"""Adapters as files: low-rank updates with the head in PEFT's format, other additions by their names.

PEFT stores `base_model.model.LAYER.lora_A.weight` (r, in) and `lora_B.weight` (out, r), and the head as a module to
save under the name of timm's own classifier, so that PEFT reads the
folder over `timm.create_model(...)`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from visionft.backbones import LinearHead, Network
from visionft.errors import WeightsError
from visionft.files.safe_json import read_object
from visionft.files.safe_open import UnreadableError, require_file
from visionft.methods import lora
from visionft.methods.forward_probe import bypassed
from visionft.methods.param_roles import added
from visionft.methods.target_modules import Target
from visionft.settings import AnyMethod, LoraMethod, QloraMethod

PREFIX = "base_model.model."


@dataclass(frozen=True)
class AdapterFiles:
    """What is written.

    Attributes:
        tensors: by name.
        config: PEFT's adapter_config.json for low-rank updates; the method's settings otherwise.
    """

    tensors: Mapping[str, Tensor]
    config: Mapping[str, Any]


def adapter_files(network: Network, method: AnyMethod, classes: Sequence[str], base: str) -> AdapterFiles | None:
    """Return what an edit added and the head, or none where a method adds nothing.

    Args:
        network: edited, with updates that are not folded in yet.
        method: whose edit it was.
        classes: names in the order of the head's rows.
        base: name of the pretrained weights.
    """
    if isinstance(method, LoraMethod | QloraMethod):
        return AdapterFiles(_peft_tensors(network), _peft_config(network, method, classes, base))
    names = added(network)
    if not names:
        return None
    state = network.state_dict()
    tensors = {name: state[name] for name in state if name in names or name.startswith("head.")}
    config = {"base_model_name_or_path": base, "method": method.model_dump(), "classes": list(classes)}
    return AdapterFiles(tensors, config)


def load_peft(network: Network, folder: Path) -> None:
    """Put an adapter in PEFT's format onto a plain network: its low-rank updates, and its linear head if it has one.

    Args:
        network: not edited yet; changed in place.
        folder: holds adapter_config.json and adapter_model.safetensors.

    Raises:
        WeightsError: the folder is damaged, is of another kind of adapter, or was made for another network.
    """
    config, tensors = _read(folder)
    if config.get("peft_type") != "LORA" or config.get("use_dora"):
        raise WeightsError(f"{folder} holds a {config.get('peft_type')} adapter; give one of plain LoRA")
    layers = sorted({name.rpartition(".lora_A.")[0] for name in tensors if ".lora_A." in name})
    try:
        _inject(network, config, tensors, layers)
        _load_head(network, tensors)
    except (AttributeError, RuntimeError, ValueError, KeyError) as error:
        reason = str(error).splitlines()[0]
        raise WeightsError(
            f"{folder} does not fit {network.name} ({reason}); name the backbone that it was made for"
        ) from error


def _peft_tensors(network: Network) -> dict[str, Tensor]:
    tensors: dict[str, Tensor] = {}
    for path, _, pair in lora.pairs(network.backbone):
        kernel = pair.shape[2:]
        tensors[f"{PREFIX}{path}.lora_A.weight"] = pair.A.detach().view(pair.rank, pair.shape[1], *kernel)
        ones = (1,) * len(kernel)
        tensors[f"{PREFIX}{path}.lora_B.weight"] = pair.full_b().detach().view(pair.shape[0], pair.rank, *ones)
    if isinstance(network.head, LinearHead):
        for name in classifiers(network):
            tensors[f"{PREFIX}{name}.weight"] = network.head.weight.detach().clone()
            tensors[f"{PREFIX}{name}.bias"] = network.head.bias.detach().clone()
    else:
        tensors |= {f"head.{name}": tensor for name, tensor in network.head.state_dict().items()}
    return tensors


def _peft_config(
    network: Network, method: LoraMethod | QloraMethod, classes: Sequence[str], base: str
) -> dict[str, Any]:
    saved = classifiers(network) if isinstance(network.head, LinearHead) else ()
    return {
        "peft_type": "LORA",
        "task_type": None,
        "base_model_name_or_path": base,
        "r": method.rank,
        "lora_alpha": method.alpha,
        "lora_dropout": method.dropout,
        "use_rslora": method.rslora,
        "bias": "none",
        "fan_in_fan_out": False,
        "inference_mode": True,
        "target_modules": [path for path, _, _ in lora.pairs(network.backbone)],
        "modules_to_save": list(saved) or None,
        "visionft": {"classes": list(classes)},
    }


def classifiers(network: Network) -> tuple[str, ...]:
    """Return timm's names of the backbone's own classifier: one, or two with a distillation token."""
    names = network.pretrained_cfg.get("classifier") or "head"
    return (names,) if isinstance(names, str) else tuple(names)


def _read(folder: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    try:
        config = read_object(folder / "adapter_config.json")
        require_file(weights := folder / "adapter_model.safetensors")
        return config, load_file(weights)
    except (UnreadableError, OSError, SafetensorError) as error:
        reason = error.reason if isinstance(error, UnreadableError) else type(error).__name__
        raise WeightsError(
            f"{folder} is no adapter in PEFT's format ({reason}); "
            "give a folder with adapter_config.json and adapter_model.safetensors"
        ) from error


def _inject(network: Network, config: dict[str, Any], tensors: dict[str, Tensor], layers: list[str]) -> None:
    past = bypassed(network)
    for name in layers:
        path = name.removeprefix(PREFIX)
        a, b = tensors[f"{name}.lora_A.weight"], tensors[f"{name}.lora_B.weight"]
        alpha = (config.get("alpha_pattern") or {}).get(path, config["lora_alpha"])
        scale = lora.scale_of(len(a), alpha, bool(config.get("use_rslora")))
        lora.inject(network.backbone, [Target(path)], past, rank=len(a), scale=scale)
        pair = next(pair for other, _, pair in lora.pairs(network.backbone) if other == path)
        with torch.no_grad():
            pair.A.copy_(a.reshape(pair.A.shape))
            pair.B.copy_(b.reshape(pair.B.shape))


def _load_head(network: Network, tensors: dict[str, Tensor]) -> None:
    head: nn.Module = network.head
    own = {name.removeprefix("head."): value for name, value in tensors.items() if name.startswith("head.")}
    for name in classifiers(network)[:1]:
        prefix = f"{PREFIX}{name}."
        own |= {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
    if own:
        head.load_state_dict(own)
