"""Weights on disk: safetensors, never pickle."""

from __future__ import annotations

import json
from pathlib import Path

from safetensors.torch import save_file
from torch import nn

from visionft.methods import AdapterFiles
from visionft.runs.writing import make_folder, replacing, write_text

ADAPTER_WEIGHTS, ADAPTER_CONFIG = "adapter_model.safetensors", "adapter_config.json"  # PEFT's names


def write_weights(path: Path, network: nn.Module) -> None:
    """Replace a file of weights with the network's parameters and buffers."""
    with replacing(path) as temporary:
        save_file({name: tensor.contiguous() for name, tensor in network.state_dict().items()}, temporary)


def write_adapter(folder: Path, files: AdapterFiles) -> None:
    """Write an adapter's weights and what describes them."""
    make_folder(folder)
    with replacing(folder / ADAPTER_WEIGHTS) as temporary:
        save_file({name: tensor.contiguous() for name, tensor in files.tensors.items()}, temporary, {"format": "pt"})
    write_text(folder / ADAPTER_CONFIG, json.dumps(files.config, indent=2, sort_keys=True) + "\n")
