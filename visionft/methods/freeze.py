"""Make a network train exactly what a state says, and leave the rest bit for bit as it is."""

from __future__ import annotations

from collections.abc import Iterable

from torch import nn

from visionft.backbones import Network
from visionft.methods.param_groups import Group
from visionft.methods.param_roles import Added, added
from visionft.methods.schedule import State


def apply(network: Network, groups: Iterable[Group], state: State) -> None:
    """Freeze and thaw; to be called again after every `network.train()`.

    Frozen parameters have no gradient, old ones included, so an optimizer skips them, weight decay and all. Modules
    with no training parameter beneath are in `eval()`, so batch statistics stand still; those without parameters
    (dropout, stochastic depth) follow the nearest module around them that has some. What an edit added does not wake
    the frozen modules around it: its own dropout is alive, the base's is not.
    """
    parameters = dict(network.named_parameters())
    for group in groups:
        trains = state.trains(group.depth, group.role)
        for name in group.parameters:
            parameters[name].requires_grad_(trains)
            if not trains:
                parameters[name].grad = None
    _set_modes(network, False, frozenset(parameters[name] for name in added(network)))


def frozen_below(groups: Iterable[Group], state: State) -> int:
    """Return the lowest level of the depth map at which anything trains; L where nothing does.

    Everything below is as it was at the start of the phase, and in `eval()`: what it answers depends on pixels alone.
    """
    training = (group.depth for group in groups if state.trains(group.depth, group.role))
    return min(training, default=len(state.rates))


def _set_modes(module: nn.Module, around: bool, added: frozenset[nn.Parameter]) -> None:
    own = added if not isinstance(module, Added) else frozenset()
    beneath = [parameter.requires_grad for parameter in module.parameters() if parameter not in own]
    module.training = any(beneath) if beneath else around
    for child in module.children():
        _set_modes(child, module.training, added)
