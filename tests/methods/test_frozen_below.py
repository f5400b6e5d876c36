"""Where the frozen part of a network ends follows from what the method trains."""

from __future__ import annotations

import pytest

from tests.methods.making import OPTIM, small
from visionft import backbones, methods
from visionft.methods import State
from visionft.settings import (
    AdapterMethod,
    AnyMethod,
    BitfitMethod,
    FullMethod,
    HeadMethod,
    LoraMethod,
    NormMethod,
    PromptMethod,
)


@pytest.mark.parametrize(
    ("method", "level"),
    [
        (HeadMethod(), 7),
        (FullMethod(), 0),
        (BitfitMethod(), 0),
        (NormMethod(), 1),  # the stem has no norm
        (PromptMethod(deep=False), 1),
        (LoraMethod(), 1),
        (LoraMethod(unfreeze=0.4), 4),
        (LoraMethod(targets=r"blocks\.5\.attn\.qkv"), 6),
        (AdapterMethod(unfreeze=0.4), 4),
        (BitfitMethod(unfreeze=0.4), 4),
    ],
    ids=lambda value: str(value) if isinstance(value, int) else value.name,
)
def test_what_lies_below_the_lowest_trained_level_is_frozen_whatever_the_method(method: AnyMethod, level: int) -> None:
    network = small()
    methods.edit(network, method)
    groups = methods.groups(network, backbones.depth_map(network))
    facts = methods.Facts(backbones.depth_map(network).levels, 4, 2, head_solved=not isinstance(method, HeadMethod))
    state = methods.schedule(method, OPTIM, facts).at(0)
    assert methods.frozen_below(groups, state) == level
    methods.apply(network, groups, state)
    levels = backbones.depth_map(network).of_parameter
    training = {levels[name] for name, parameter in network.named_parameters() if parameter.requires_grad}
    assert min(training) == level


def test_where_nothing_trains_all_levels_are_frozen() -> None:
    network = small()
    depth = backbones.depth_map(network)
    nothing = State(depth.levels, (0.0,) * depth.levels)
    assert methods.frozen_below(methods.groups(network, depth), nothing) == depth.levels
