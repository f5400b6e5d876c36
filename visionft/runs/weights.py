"""Weights on disk: safetensors, never pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from safetensors.torch import save_file
from torch import Tensor, nn

from visionft.methods import AdapterFiles
from visionft.runs.writing import make_folder, replacing, write_text

ADAPTER_WEIGHTS, ADAPTER_CONFIG = "adapter_model.safetensors", "adapter_config.json"  # PEFT's names


def write_weights(path: Path, network: nn.Module) -> None:
    """Replace a file of weights with the network's parameters and buffers."""
    with replacing(path) as temporary:
        save_file(_apart(network.state_dict()), temporary)


def write_adapter(folder: Path, files: AdapterFiles) -> None:
    """Write an adapter's weights and what describes them."""
    make_folder(folder)
    with replacing(folder / ADAPTER_WEIGHTS) as temporary:
        save_file(_apart(files.tensors), temporary, {"format": "pt"})
    write_text(folder / ADAPTER_CONFIG, json.dumps(files.config, indent=2, sort_keys=True) + "\n")


def _apart(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Copy what is there under two names (a module in two places, in coat), which safetensors refuses to write."""
    places: set[int] = set()
    apart: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        place = tensor.untyped_storage().data_ptr()
        apart[name] = tensor.clone() if place in places else tensor
        places.add(place)
    return {name: tensor.contiguous() for name, tensor in apart.items()}
