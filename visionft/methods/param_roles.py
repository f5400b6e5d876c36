"""What a parameter is for: the second coordinate, beside its depth, of everything a schedule decides."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from torch import nn

from visionft.settings import (
    AdapterMethod,
    AnyMethod,
    BitfitMethod,
    LoraMethod,
    NormMethod,
    PromptMethod,
    QloraMethod,
)

Role = Literal["weight", "bias", "norm", "norm_bias", "added", "added_b", "head"]
"""`norm` takes in all scales of one dimension (layer scale); `added` is for what an edit puts into the backbone, and
`added_b` for the part of it that has a rate of its own (B of LoRA+)."""

BACKBONE_ROLES: frozenset[Role] = frozenset({"weight", "bias", "norm", "norm_bias"})

NORMS = ("norm", "abn")  # in lower-case class names: BatchNorm2d, LayerNorm2d, RmsNorm, GroupNorm1, InplaceAbn ...


class Added(nn.Module):
    """What an edit puts into the backbone: all parameters in it are `added`, but for those of another rate.

    Attributes:
        other_rate: names of its own parameters that are `added_b`.
    """

    other_rate: frozenset[str] = frozenset()


def role_of(network: nn.Module, name: str) -> Role:
    """Return the role of the parameter `name` of a `Network`."""
    path, _, own = name.rpartition(".")
    if name.startswith("head."):
        return "head"
    if any(isinstance(module, Added) for module in _above(network, path)):
        return "added_b" if own in getattr(network.get_submodule(path), "other_rate", ()) else "added"
    if any(word in type(network.get_submodule(path)).__name__.lower() for word in NORMS):
        return "norm_bias" if own.endswith("bias") else "norm"
    if network.get_parameter(name).ndim > 1:
        return "weight"
    return "bias" if own.endswith("bias") else "norm"


def added(network: nn.Module) -> tuple[str, ...]:
    """Return the names of all parameters that edits put into the network."""
    return tuple(
        f"{path}.{name}"
        for path, module in network.named_modules()
        if isinstance(module, Added)
        for name, _ in module.named_parameters()
    )


def roles_trained(method: AnyMethod) -> frozenset[Role]:
    """Return the roles of the backbone that a method trains; the head is trained by every method."""
    match method:
        case LoraMethod() | QloraMethod():
            return frozenset({"added", "added_b"} if method.lr_ratio != 1 else {"added"})
        case AdapterMethod() | PromptMethod():
            return frozenset({"added"})
        case BitfitMethod():
            return frozenset({"bias", "norm_bias"})
        case NormMethod():
            return frozenset({"norm", "norm_bias"})
    return BACKBONE_ROLES


def _above(network: nn.Module, path: str) -> Iterator[nn.Module]:
    module = network
    for part in path.split(".") if path else ():
        module = module.get_submodule(part)
        yield module
