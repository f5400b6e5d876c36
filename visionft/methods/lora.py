"""Low-rank adaptation: W' = W + s B A with W frozen (LoRA, arXiv 2106.09685; rsLoRA, arXiv 2312.03732).

Two forms of the same sum. The branch form adds s B (A x) beside a linear layer: the gradient never takes W's shape. The
weight form replaces W itself (a parametrization), for convolutions and for models that read `.weight` past the module.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrize

from visionft.backbones import store_weight
from visionft.errors import BackboneError
from visionft.methods.param_roles import Added
from visionft.methods.quantized_linear import QuantizedLinear
from visionft.methods.target_modules import Target


class LoraPair(Added):
    """The two factors of an update of a weight, B zero at the start.

    Args:
        shape: of the weight: (out, in) or (out, in, kH, kW).
        rank: r.
        scale: s, such as alpha / r.
        dropout: probability in [0, 1) that an input feature is dropped before A.
        rows: (start, stop) ranges of output rows that are updated; none: all.
        ratio: whether B has a rate of its own (LoRA+, arXiv 2402.12354).
    """

    def __init__(
        self,
        shape: Sequence[int],
        rank: int,
        scale: float,
        dropout: float = 0.0,
        rows: Sequence[tuple[int, int]] | None = None,
        ratio: bool = False,
    ) -> None:
        super().__init__()
        self.other_rate = frozenset({"B"} if ratio else ())
        self.shape, self.scale, self.rows = tuple(shape), scale, tuple(rows or ())
        updated = sum(stop - start for start, stop in self.rows) if rows else shape[0]
        self.A = nn.Parameter(torch.empty(rank, math.prod(shape[1:])))
        self.B = nn.Parameter(torch.zeros(updated, rank))
        nn.init.kaiming_uniform_(self.A, a=math.sqrt(5))  # as in the paper's code and in PEFT
        self.dropout = nn.Dropout(dropout)
        self.merged = False

    @property
    def rank(self) -> int:
        """The rank r."""
        return self.A.shape[0]

    def full_b(self) -> Tensor:
        """Return B (out, r), with zeros for the rows that are not updated."""
        if not self.rows:
            return self.B
        parts, done, taken = [], 0, 0
        for start, stop in self.rows:
            parts += [self.B.new_zeros(start - done, self.rank), self.B[taken : taken + stop - start]]
            done, taken = stop, taken + stop - start
        return torch.cat([*parts, self.B.new_zeros(self.shape[0] - done, self.rank)])

    def delta(self) -> Tensor:
        """Return s B A in the shape of the weight: (out, in) or (out, in, kH, kW)."""
        update: Tensor = self.scale * (self.full_b() @ self.A)
        return update.reshape(self.shape)

    def branch(self, x: Tensor) -> Tensor:
        """Map inputs (..., in) to the update's outputs (..., out)."""
        narrow = F.linear(self.dropout(x), self.A)
        wide: Tensor = F.linear(narrow, self.full_b())
        return wide * self.scale

    def forward(self, weight: Tensor) -> Tensor:
        """Return the updated weight (out, in), or (out, in, kH, kW), as a parametrization.

        Dropout takes the same inputs from the whole micro-batch.
        """
        if self.merged:
            return weight
        if not (self.training and self.dropout.p):
            return weight + self.delta()
        kept = self.dropout(torch.ones_like(self.A[0]))
        update: Tensor = self.full_b() @ (self.A * kept)
        return weight + (self.scale * update).reshape(self.shape)


class _Branched(nn.Module):
    """The branch form, over any linear layer."""

    lora: LoraPair

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., in) to (..., out)."""
        y: Tensor = super().forward(x)
        return y if self.lora.merged else y + self.lora.branch(x)


class LoraLinear(_Branched, nn.Linear):
    """A linear layer with a low-rank branch; its own parameters keep their names."""


class LoraQuantizedLinear(_Branched, QuantizedLinear):
    """A quantised linear layer with a low-rank branch."""


def scale_of(rank: int, alpha: float, rslora: bool) -> float:
    """Return alpha / r, or alpha / sqrt(r)."""
    return alpha / (math.sqrt(rank) if rslora else rank)


def inject(
    backbone: nn.Module,
    targets: Sequence[Target],
    bypassed: frozenset[str],
    *,
    rank: int,
    scale: float,
    dropout: float = 0.0,
    ratio: bool = False,
) -> None:
    """Put a pair into every target: as a branch where the layer is called, into the weight where it is read past it.

    Args:
        backbone: timm model; changed in place.
        targets: its layers.
        bypassed: layers that are never called as modules.
        rank: r of every pair; a layer with fewer inputs or outputs gets no more than these.
        scale: s of every pair.
        dropout: probability in [0, 1).
        ratio: whether B of every pair has a rate of its own.
    """
    for target in targets:
        layer = backbone.get_submodule(target.path)
        shape = _shape(layer)
        pair = LoraPair(shape, rank, scale, dropout, target.rows, ratio)
        if isinstance(layer, QuantizedLinear):
            _adopt(layer, LoraQuantizedLinear, pair)
        elif type(layer) is nn.Linear and target.path not in bypassed:
            _adopt(layer, LoraLinear, pair)
        else:
            parametrize.register_parametrization(layer, "weight", pair)


def pairs(backbone: nn.Module) -> Iterator[tuple[str, nn.Module, LoraPair]]:
    """Yield (name, layer, pair) of every adapted layer."""
    for path, module in list(backbone.named_modules()):
        if isinstance(module, _Branched):
            yield path, module, module.lora
        elif parametrize.is_parametrized(module, "weight"):
            pair: Any = module.parametrizations["weight"][0]
            yield path, module, pair


@torch.no_grad()
def merge(backbone: nn.Module) -> None:
    """Add every update to its weight; what is merged already stays as it is.

    Raises:
        BackboneError: a quantised weight cannot hold the sum; `fold` can.
    """
    _move(backbone, 1.0)


@torch.no_grad()
def unmerge(backbone: nn.Module) -> None:
    """Take every merged update out of its weight again, up to rounding (1e-6 relative)."""
    _move(backbone, -1.0)


@torch.no_grad()
def fold(backbone: nn.Module) -> None:
    """Merge, and make every layer the plain fp32 one that it was before `inject`, stored ones without a pair too."""
    for path, layer, pair in pairs(backbone):
        if isinstance(layer, _Branched):
            _set(backbone, path, _plain(layer, pair))
        else:
            pair.eval()  # no dropout
            updated: Any = layer.weight
            store_weight(layer, updated)
    for path, layer in list(backbone.named_modules()):
        if isinstance(layer, QuantizedLinear):
            _set(backbone, path, _plain(layer, None))


def _adopt(layer: nn.Module, kind: type[nn.Module], pair: LoraPair) -> None:
    layer.__class__ = kind  # parameters, hooks and the place in the tree stay as they are
    layer.lora = pair


def _shape(layer: nn.Module) -> tuple[int, ...]:
    if isinstance(layer, QuantizedLinear):
        return layer.out_features, layer.in_features
    weight = layer.weight
    assert isinstance(weight, Tensor)
    return tuple(weight.shape)


def _plain(layer: nn.Module, pair: LoraPair | None) -> nn.Linear:
    weight = layer.store() if isinstance(layer, QuantizedLinear) else layer.weight
    assert isinstance(weight, Tensor)
    bias = layer.bias
    with torch.device("meta"):
        plain = nn.Linear(weight.shape[1], weight.shape[0], bias is not None)
    plain.weight = nn.Parameter(weight.float() if pair is None or pair.merged else weight.float() + pair.delta())
    if isinstance(bias, nn.Parameter):
        plain.bias = bias
    return plain.train(layer.training)


def _move(backbone: nn.Module, sign: float) -> None:
    for path, layer, pair in pairs(backbone):
        if pair.merged == (sign > 0):
            continue
        if isinstance(layer, QuantizedLinear):
            raise BackboneError(f"{path} is quantised and cannot hold its update; export the run, which folds it in")
        held: Any = layer
        weight = held.weight if isinstance(layer, LoraLinear) else held.parametrizations.weight.original
        weight.add_(pair.delta(), alpha=sign)
        pair.merged = sign > 0


def _set(backbone: nn.Module, path: str, module: nn.Module) -> None:
    parent, _, own = path.rpartition(".")
    setattr(backbone.get_submodule(parent), own, module)
