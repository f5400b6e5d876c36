"""Weights on disk: safetensors, never pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from visionft.methods import AdapterFiles
from visionft.runs.atomic_write import make_folder, replacing, write_text
from visionft.runs.run_files import damaged

ADAPTER_WEIGHTS, ADAPTER_CONFIG = "adapter_model.safetensors", "adapter_config.json"  # PEFT's names


EPOCH = "epoch"


def write_weights(path: Path, network: nn.Module, *, epoch: int | None = None) -> None:
    """Replace a file of weights with the network's parameters and buffers, marked with the epoch they are of."""
    marks = None if epoch is None else {EPOCH: str(epoch)}
    with replacing(path) as temporary:
        save_file(_apart(network.state_dict()), temporary, marks)


def epoch_of(path: Path) -> int | None:
    """Return the epoch that weights are marked with; none: they are not.

    Raises:
        RunError: the file is damaged or gone.
    """
    try:
        with safe_open(path, "pt") as file:
            mark = (file.metadata() or {}).get(EPOCH)
        return None if mark is None else int(mark)
    except (SafetensorError, OSError, ValueError) as error:
        raise damaged(path, type(error).__name__) from error


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
