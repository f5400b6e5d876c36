"""Which layers of a backbone an edit means: names that say the same on every timm model."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from torch import nn

from visionft.backbones import depth_map
from visionft.backbones.network import Network
from visionft.errors import BackboneError, UsageError
from visionft.methods.schedule import lowest_trained

Kind = Literal["attention", "mlp", "other"]
WORDS: dict[Kind, tuple[str, ...]] = {"attention": ("attn", "attention"), "mlp": ("mlp", "ffn", "glu")}
GATES = ("semodule", "squeezeexcit")  # gates of channels, which timm calls `attn` in byobnet and nfnet
NAMES = ("attention", "mlp", "all", "q", "v", "qv")
QUERIES, VALUES = ("q", "q_proj", "query", "to_q"), ("v", "v_proj", "value", "to_v")
FUSED = ("qkv", "kv", "to_qkv", "qkv_proj")
SHOWN = 3


@dataclass(frozen=True)
class Target:
    """A layer to be adapted.

    Attributes:
        path: name of the module in the backbone.
        rows: the output rows that are adapted, as (start, stop), parts of a fused layer; none: all.
    """

    path: str
    rows: tuple[tuple[int, int], ...] | None = None


def find(network: Network, targets: str, unfreeze: float) -> tuple[Target, ...]:
    """Return the layers that `targets` names in the upper share `unfreeze` of the backbone's depth.

    Args:
        network: backbone and head; the head is never a target.
        targets: `attention`, `mlp`, `all`, `q`, `v`, `qv`, or a regular expression that matches whole module names. On
            backbones without attention and MLPs, `all` takes every convolution above the stem that is not grouped.
        unfreeze: in (0, 1].

    Raises:
        UsageError: the regular expression is none, or matches no layer.
        BackboneError: the backbone has no such layers, or no separable q, k and v.
    """
    levels = depth_map(network)
    lowest = lowest_trained(unfreeze, levels.levels)
    layers = {
        path: module for path, module in adaptable(network.backbone) if _level(levels.of_parameter, path) >= lowest
    }
    kinds = {path: kind_of(network.backbone, path) for path in layers}
    if targets in ("q", "v", "qv"):
        found = [target for path in layers for target in _slices(path, layers[path], targets)]
    elif targets in ("attention", "mlp"):
        found = [Target(path) for path, kind in kinds.items() if kind == targets and _pointwise(layers[path])]
    elif targets == "all":
        inside = [path for path, kind in kinds.items() if kind != "other" and _pointwise(layers[path])]
        above_stem = [path for path in layers if _level(levels.of_parameter, path) > 0]
        found = [Target(path) for path in (inside or above_stem)]
    else:
        found = [Target(path) for path in layers if _pattern(targets).fullmatch(path)]
    if not found:
        raise _nothing(network, targets, list(layers))
    return tuple(found)


def adaptable(backbone: nn.Module) -> Iterator[tuple[str, nn.Linear | nn.Conv2d]]:
    """Yield linear layers and convolutions that are not grouped, by name."""
    for path, module in backbone.named_modules():
        if isinstance(module, nn.Linear) or (isinstance(module, nn.Conv2d) and module.groups == 1):
            yield path, module


def kind_of(backbone: nn.Module, path: str) -> Kind:
    """Tell whether a layer belongs to attention or to an MLP, by the names and classes of what it sits in."""
    parts = path.split(".")
    for length in range(len(parts) - 1, 0, -1):
        owner = backbone.get_submodule(".".join(parts[:length]))
        words = (type(owner).__name__.lower(), parts[length - 1].lower())
        if any(gate in words[0] for gate in GATES):
            return "other"
        for kind, marks in WORDS.items():
            if any(mark in word for mark in marks for word in words):
                return kind
    return "other"


def _level(of_parameter: object, path: str) -> int:
    assert isinstance(of_parameter, dict)
    level: int = of_parameter[f"backbone.{path}.weight"]
    return level


def _pointwise(layer: nn.Linear | nn.Conv2d) -> bool:
    return isinstance(layer, nn.Linear) or tuple(layer.kernel_size) == (1, 1)


def _slices(path: str, layer: nn.Linear | nn.Conv2d, wanted: str) -> Iterator[Target]:
    """Yield what of a layer are queries and values: rows of a fused layer (checked later), or a layer of its own."""
    own = path.rpartition(".")[2].lower()
    if ("q" in wanted and own in QUERIES) or ("v" in wanted and own in VALUES):
        yield Target(path)
    if own not in FUSED or not isinstance(layer, nn.Linear):
        return
    parts = 2 if own == "kv" else 3
    width, rest = divmod(layer.out_features, parts)
    if rest:
        return
    rows = [(0, width)] if "q" in wanted and parts == 3 else []
    rows += [((parts - 1) * width, parts * width)] if "v" in wanted else []
    if rows:
        yield Target(path, tuple(rows))


def _pattern(targets: str) -> re.Pattern[str]:
    try:
        return re.compile(targets)
    except re.error as error:
        raise UsageError(
            f"--method.targets: {targets} is no regular expression ({error}); give one, or {_names()}"
        ) from None


def _nothing(network: Network, targets: str, known: list[str]) -> UsageError | BackboneError:
    if not known:
        return BackboneError(
            f"{network.name} has no layer that can be adapted there; raise --method.unfreeze, or take --method gradual"
        )
    examples = ", ".join(known[:SHOWN])
    if targets in NAMES:
        return BackboneError(
            f"{network.name} has no layers that --method.targets {targets} names; "
            f"give another of {_names()}, or a regular expression (its layers are {examples} ...)"
        )
    return UsageError(
        f"--method.targets: {targets} matches no layer of {network.name}; give {_names()}, "
        f"or a regular expression (its layers are {examples} ...)"
    )


def _names() -> str:
    return f"{', '.join(NAMES[:-1])} or {NAMES[-1]}"
