"""Two forms of a trained network answer the same: saved and loaded, folded, merged, as adapter files, as ONNX."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from families import CLASSES, photos
from safetensors.torch import load_file
from torch import Tensor, nn

from visionft import methods
from visionft.backbones import Network
from visionft.bundle import names as n
from visionft.errors import BackboneError
from visionft.exporting import onnx_model
from visionft.methods import lora
from visionft.methods.forward_probe import bypassed
from visionft.methods.quantized_linear import QuantizedLinear, Storage, quantize
from visionft.runs.weights_file import ADAPTER_WEIGHTS, write_adapter, write_weights
from visionft.settings import AnyMethod, LoraMethod, QloraMethod

SAME, MERGED, EXPORT = 1e-6, 1e-4, 1e-3  # relative: the same arithmetic, another order of sums, another library
STORED: dict[Storage, float] = {"nf4": 0.15, "int8": 0.02}  # relative; a Gaussian's error is 0.09 and 0.008
NAMES = tuple(f"class {i}" for i in range(CLASSES))


class FaultError(Exception):
    """Something does not hold that must."""


def require(holds: bool, otherwise: str) -> None:
    """Raise a fault with these words unless it holds."""
    if not holds:
        raise FaultError(otherwise)


def difference(one: Network, two: Network) -> float:
    """Return the largest difference of two networks' logits, relative to the largest logit of the first."""
    with torch.no_grad():
        a, b = (network.eval()(photos(network)) for network in (one, two))
    return _relative(a, b)


def reloaded(base: Network, network: Network, method: AnyMethod, folder: Path) -> dict[str, float]:
    """Save and load three forms: the network in training, the finished one of a run, and its adapter beside the base.

    The first two are loaded over a network whose every saved number is zero.
    """
    write_weights(folder / "training.safetensors", network)
    training = _blank(base)
    methods.edit(training, method, check=False)
    training.load_state_dict(load_file(folder / "training.safetensors"))

    folded = copy.deepcopy(network)
    methods.fold(folded, method)
    write_weights(folder / "weights.safetensors", folded)
    finished = _blank(base)
    methods.restore(finished, method)
    finished.load_state_dict(load_file(folder / "weights.safetensors"))

    figures = {"reload": _within(network, training, SAME, "saved and loaded")}
    figures["fold"] = _within(network, finished, MERGED, "folded, saved and loaded")
    files = methods.adapter_files(network, method, NAMES, base.name)
    if files is not None:
        write_adapter(folder, files)
    if files is not None and not isinstance(method, LoraMethod | QloraMethod):
        beside = copy.deepcopy(base)
        methods.restore(beside, method)
        beside.load_state_dict(load_file(folder / ADAPTER_WEIGHTS), strict=False)
        figures["adapter"] = _within(network, beside, SAME, "the adapter beside the base")
    return figures


def peft_loaded(base: Network, network: Network, method: LoraMethod | QloraMethod, folder: Path) -> float:
    """Load the adapter in PEFT's format onto the base, stored as it was in training; return the difference."""
    beside = copy.deepcopy(base)
    if isinstance(method, QloraMethod):
        quantize(beside.backbone, method.quantization, bypassed(beside))
    methods.load_peft(beside, folder)
    return _within(network, beside, SAME, "the adapter in PEFT's format")


def merged(network: Network, method: LoraMethod | QloraMethod) -> dict[str, Any]:
    """Merge and unmerge; a quantised weight must refuse and say what can hold the sum. The network is as before."""
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    other = copy.deepcopy(network)
    if isinstance(method, QloraMethod):
        try:
            lora.merge(other.backbone)
        except BackboneError as error:
            require("export the run, which folds it in" in str(error), f"refused to merge with: {error}")
            return {"merge": "refused"}
        require(not _quantised(other), "merged into quantised weights")
        return {"merge": "nothing quantised"}
    lora.merge(other.backbone)
    there = _within(network, other, MERGED, "merged")
    lora.unmerge(other.backbone)
    _within(network, other, MERGED, "merged and unmerged")
    back = max(_relative(before[name], tensor) for name, tensor in other.state_dict().items() if tensor.numel())
    require(back <= MERGED, f"unmerging left a weight {back:.1e} away")
    return {"merge": there, "unmerge": back}


def exported(network: Network) -> float:
    """Write the network half, run it on another number of photos and return the difference of logits."""
    model = onnx_model.network_part(network, network.input_size)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    x = photos(network, n=3, seed=7)
    (answer,) = session.run([n.LOGITS], {n.PIXELS: x.numpy()})
    with torch.no_grad():
        far = _relative(network(x), torch.from_numpy(np.asarray(answer)))
    require(far <= EXPORT, f"onnxruntime's logits are {far:.1e} away")
    return far


def storage_error(base: Network, network: Network, storage: Storage) -> float:
    """Return the largest relative error ||W - stored W|| / ||W|| over the quantised layers."""
    errors = [0.0]
    for path, layer in _quantised(network):
        weight = base.get_submodule(path).weight
        assert isinstance(weight, Tensor)
        with torch.no_grad():
            errors.append(float((layer.store().float() - weight).norm() / weight.norm()))
    require(max(errors) <= STORED[storage], f"a stored weight is {max(errors):.2f} away from what it was")
    return float(f"{max(errors):.2g}")


def _quantised(network: nn.Module) -> list[tuple[str, QuantizedLinear]]:
    return [(path, module) for path, module in network.named_modules() if isinstance(module, QuantizedLinear)]


@torch.no_grad()
def _blank(base: Network) -> Network:
    network = copy.deepcopy(base)
    for tensor in network.state_dict().values():
        tensor.zero_()
    return network


def _within(one: Network, two: Network, limit: float, what: str) -> float:
    far = difference(one, two)
    require(far <= limit, f"{what}, the logits are {far:.1e} away")
    return far


def _relative(a: Tensor, b: Tensor) -> float:
    size = float(a.abs().max()) or 1.0
    far = float((a - b).abs().max()) / size
    return float(f"{far:.2g}")
