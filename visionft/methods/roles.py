"""What a parameter is for: the second coordinate, beside its depth, of everything a schedule decides."""

from __future__ import annotations

from typing import Literal

from torch import nn

Role = Literal["weight", "bias", "norm", "added", "head"]
"""`norm` takes in all scales of one dimension (layer scale); `added` is for what an edit puts into the backbone."""

BACKBONE_ROLES: frozenset[Role] = frozenset({"weight", "bias", "norm"})

NORMS = ("norm", "abn")  # in lower-case class names: BatchNorm2d, LayerNorm2d, RmsNorm, GroupNorm1, InplaceAbn ...


def role_of(network: nn.Module, name: str) -> Role:
    """Return the role of the parameter `name` of a `Network`."""
    path, _, own = name.rpartition(".")
    if name.startswith("head."):
        return "head"
    if any(word in type(network.get_submodule(path)).__name__.lower() for word in NORMS):
        return "norm"
    if network.get_parameter(name).ndim > 1:
        return "weight"
    return "bias" if own.endswith("bias") else "norm"
