"""One graph for many adapters: low-rank factors, head and all that was fitted are optional inputs of the base."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import numpy as np
import onnx
import torch
from onnx import ModelProto, TensorProto, helper
from torch import Tensor, nn
from torch.nn import functional as F

from visionft.backbones import Network
from visionft.bundle import names as n
from visionft.bundle.schema import adapted_tensors
from visionft.exporting.adapters.adapter_files import Sizes, replace_constants
from visionft.exporting.adapters.lora_runs import LowRank
from visionft.exporting.onnx_model import assemble, half_as_onnx
from visionft.exporting.onnx_size import require_small
from visionft.exporting.postprocess_graph import scale_constants
from visionft.metrics import KnownScale, Postprocess
from visionft.preprocess import Preprocess

EXAMPLE = 4
"""Rank and number of classes in the example that is traced; 0 and 1 would be taken for constants."""
SHAPED = Postprocess(1.0, KnownScale(np.zeros((1, 1), np.float32), (0.0, 1.0), (0.0, 1.0)))
"""Something of everything that can be fitted, in the place of what each adapter brings."""


class _Slot:
    """Holds the factors of one pass: no attribute of a module, which torch.export does not let a pass change."""

    pair: tuple[Tensor, Tensor]


class _FedLinear(nn.Linear):
    """A linear layer whose low-rank update is given from outside."""

    slot: _Slot

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., in) to (..., out)."""
        a, b = self.slot.pair
        y: Tensor = super().forward(x)
        return y + (x @ a) @ b


class AdaptedHalf(nn.Module):
    """The network half with its updates and its head as inputs.

    Args:
        network: the base; its layers are changed in place.
        layers: names of the linear layers of its backbone that some adapter updates.
    """

    def __init__(self, network: Network, layers: Sequence[str]) -> None:
        super().__init__()
        self.network = network
        self.slots = [_feed(network.backbone.get_submodule(layer)) for layer in layers]

    def forward(
        self, pixels: Tensor, factors: Sequence[tuple[Tensor, Tensor]], weight: Tensor, bias: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return logits (N, C) and embedding (N, D) of length 1.

        Args:
            pixels: (N, 3, h, w).
            factors: A (in, r) and B (r, out) for each layer.
            weight: (D, C).
            bias: (C,).
        """
        for slot, pair in zip(self.slots, factors, strict=True):
            slot.pair = pair
        features = self.network.embed(pixels)
        return features @ weight + bias, F.normalize(features, dim=1)


def build_base(network: Network, preprocess: Preprocess, adapters: Iterable[LowRank]) -> ModelProto:
    """Return the graph of a base that each of the adapters fits: `image` to the table of answers, without the label.

    Without an adapter its answers are not-a-number, so that nobody takes them for any.

    Args:
        network: with the weights that all share; its layers are changed.
        preprocess: the evaluation transform.
        adapters: what it has to take.

    Raises:
        BackboneError: the network cannot be exported, or is too large for one file.
    """
    require_small(network)
    updated = {layer for adapter in adapters for layer in adapter.factors}
    layers = [path for path, _ in network.backbone.named_modules() if path in updated]
    factors, head = _factor_sizes(network, layers), _head_sizes(network)
    back = _export_half(network.eval(), preprocess.size, layers, factors | head)
    fitted = dict.fromkeys((n.TEMPERATURE, n.THRESHOLD, *scale_constants(SHAPED.scale)), cast(Sizes, (1,)))
    inputs = factors | head | fitted | {n.CLASS_MEANS: (network.features, n.CLASS_COUNT)}
    model = assemble(back, preprocess, None, SHAPED, adapted_tensors(network.features), keep=inputs)
    _make_optional(model, inputs)
    onnx.checker.check_model(model, full_check=True)
    return model


def _feed(layer: nn.Module) -> _Slot:
    slot: Any = _Slot()
    layer.__class__ = _FedLinear  # parameters and the place in the tree stay as they are
    layer.slot = slot
    return cast(_Slot, slot)


def _factor_sizes(network: Network, layers: Sequence[str]) -> dict[str, Sizes]:
    sizes: dict[str, Sizes] = {}
    for i, layer in enumerate(layers):
        linear = cast(nn.Linear, network.backbone.get_submodule(layer))
        a, b = n.factors(layer)
        sizes |= {a: (linear.in_features, f"r{i}"), b: (f"r{i}", linear.out_features)}
    return sizes


def _head_sizes(network: Network) -> dict[str, Sizes]:
    return {n.HEAD_WEIGHT: (network.features, n.CLASS_COUNT), n.HEAD_BIAS: (n.CLASS_COUNT,)}


def _export_half(
    network: Network, size: tuple[int, int], layers: Sequence[str], inputs: Mapping[str, Sizes]
) -> ModelProto:
    dims = {word: torch.export.Dim(word) for sizes in inputs.values() for word in sizes if isinstance(word, str)}
    examples = [torch.zeros([d if isinstance(d, int) else EXAMPLE for d in sizes]) for sizes in inputs.values()]
    shapes = [{i: dims[d] for i, d in enumerate(sizes) if isinstance(d, str)} for sizes in inputs.values()]
    pairs = 2 * len(layers)
    return half_as_onnx(
        network,
        AdaptedHalf(network, layers),
        (torch.zeros(2, 3, *size), _paired(examples[:pairs]), *examples[pairs:]),
        ({0: torch.export.Dim("N")}, _paired(shapes[:pairs]), *shapes[pairs:]),
        [n.PIXELS, *inputs],
    )


def _paired(values: Sequence[Any]) -> list[tuple[Any, Any]]:
    return list(zip(values[::2], values[1::2], strict=True))


def _make_optional(model: ModelProto, inputs: Mapping[str, Sizes]) -> None:
    """Declare inputs and give each a default: no update, and everything else not-a-number, for one class."""
    words = {word: 1 if word == n.CLASS_COUNT else 0 for sizes in inputs.values() for word in sizes}
    defaults = {
        name: np.full([d if isinstance(d, int) else words[d] for d in sizes], math.nan, np.float32)
        for name, sizes in inputs.items()
    }
    model.graph.input.extend(
        helper.make_tensor_value_info(name, TensorProto.FLOAT, sizes) for name, sizes in inputs.items()
    )
    replace_constants(model, defaults)
