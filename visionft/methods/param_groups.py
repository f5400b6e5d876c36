"""Parameter groups by depth and role; all of them exist before the first step, whatever trains when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import Any

from torch import nn

from visionft.backbones import DepthMap, Network
from visionft.methods.param_roles import Role, role_of

DECAYING: frozenset[Role] = frozenset({"weight", "head", "added", "added_b"})
"""Roles whose matrices and kernels have weight decay."""


@dataclass(frozen=True)
class Group:
    """Parameters that always train together, at one rate.

    Attributes:
        name: unique, sorted by depth, such as `003.norm`.
        depth: level in the depth map.
        role: what they are for.
        decays: whether weight decay applies: matrices and kernels, not what timm exempts (tokens, position embeddings).
        parameters: names in the `Network`.
    """

    name: str
    depth: int
    role: Role
    decays: bool
    parameters: tuple[str, ...]


def groups(network: Network, depth_map: DepthMap) -> tuple[Group, ...]:
    """Return all groups in the order of their names; each parameter of the network is in exactly one."""
    exempt = _exempt(network.backbone)
    members: dict[tuple[int, Role, bool], list[str]] = defaultdict(list)
    for name, parameter in network.named_parameters():
        role = role_of(network, name)
        decays = role in DECAYING and parameter.ndim > 1 and not _matches(name, exempt)
        members[depth_map.of_parameter[name], role, decays].append(name)
    made = (Group(_name(*key), *key, tuple(names)) for key, names in members.items())
    return tuple(sorted(made, key=lambda group: group.name))


def parameter_groups(network: Network, groups: Iterable[Group], weight_decay: float) -> list[dict[str, Any]]:
    """Return the optimizer's groups, at rate 0 until `set_rates`; their plain values survive `weights_only` loading.

    Args:
        network: owns the parameters.
        groups: of that network.
        weight_decay: of the groups that decay, at least 0; 0 for the others.
    """
    parameters = dict(network.named_parameters())
    return [
        {
            "params": [parameters[name] for name in group.parameters],
            "name": group.name,
            "depth": group.depth,
            "role": group.role,
            "weight_decay": weight_decay if group.decays else 0.0,
            "lr": 0.0,
        }
        for group in groups
    ]


def _name(depth: int, role: Role, decays: bool) -> str:
    plain = role in DECAYING and not decays
    return f"{depth:03d}.{role}{'.plain' if plain else ''}"


def _exempt(backbone: nn.Module) -> tuple[str, ...]:
    listed: Callable[[], Iterable[str]] | None = getattr(backbone, "no_weight_decay", None)
    return tuple(listed()) if listed else ()


def _matches(name: str, patterns: Iterable[str]) -> bool:
    own = name.removeprefix("backbone.")
    return any(fnmatch(own, pattern) or own.endswith(f".{pattern}") for pattern in patterns)
