"""Every method moves exactly what it is for: other parameters and all buffers stay bit for bit."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from tests.methods.making import OPTIM, first_state, photos, small
from visionft import backbones, methods
from visionft.backbones import Network
from visionft.settings import (
    AdapterMethod,
    AnyMethod,
    BitfitMethod,
    FullMethod,
    HeadMethod,
    LoraMethod,
    NormMethod,
    PromptMethod,
    QloraMethod,
)

NORMS = (nn.LayerNorm, nn.modules.batchnorm._BatchNorm, nn.GroupNorm)


def is_added(network: Network, name: str) -> bool:
    return name in methods.added(network)


def is_bias(network: Network, name: str) -> bool:
    return name.endswith("bias")


def is_norm(network: Network, name: str) -> bool:
    module = network.get_submodule(name.rpartition(".")[0])
    return isinstance(module, NORMS) or (network.get_parameter(name).ndim == 1 and not name.endswith("bias"))


Moves = Callable[[Network, str], bool]
CASES: list[tuple[AnyMethod, str, Moves]] = [
    (FullMethod(), "test_vit", lambda network, name: True),
    (LoraMethod(), "test_vit", is_added),
    (LoraMethod(base_dtype="bf16"), "test_vit", is_added),
    (LoraMethod(lr_ratio=16), "test_vit", is_added),
    (LoraMethod(lr_ratio=16), "eva02_tiny_patch14_224", is_added),
    (LoraMethod(), "test_byobnet", is_added),
    (LoraMethod(), "eva02_tiny_patch14_224", is_added),
    (QloraMethod(), "test_vit", is_added),
    (QloraMethod(quantization="int8"), "test_vit", is_added),
    (AdapterMethod(), "test_vit", is_added),
    (PromptMethod(), "test_vit", is_added),
    (PromptMethod(deep=False), "test_vit", is_added),
    (BitfitMethod(), "test_vit", is_bias),
    (BitfitMethod(), "test_byobnet", is_bias),
    (NormMethod(), "test_vit", is_norm),
    (NormMethod(), "test_byobnet", is_norm),
]


def copied(network: Network) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


@pytest.mark.parametrize(
    ("method", "name", "moves"), CASES, ids=[f"{m.name}-{n}-{i}" for i, (m, n, _) in enumerate(CASES)]
)
def test_what_is_planned_moves_and_the_rest_is_bit_equal(method: AnyMethod, name: str, moves: Moves) -> None:
    network = small(name)
    methods.edit(network, method)
    groups = methods.groups(network, backbones.depth_map(network))
    optimizer = torch.optim.AdamW(methods.parameter_groups(network, groups, 0.05))
    state = first_state(network, method)
    before, norms = copied(network), [m for m in network.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    for _ in range(3):
        network.train()
        methods.apply(network, groups, state)
        for norm in norms:  # as training does with frozen statistics
            norm.eval()
        methods.set_rates(optimizer, state)
        nn.functional.cross_entropy(network(photos(network, 4)), torch.tensor([0, 1, 2, 0])).backward()
        optimizer.step()
        optimizer.zero_grad()
    after = copied(network)
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    parameters = {name for name, _ in network.named_parameters()}
    planned = {name for name in parameters if name.startswith("head.") or moves(network, name)}
    assert moved <= planned
    # a key's bias shifts all scores of a query alike, and a bias before a batch norm nothing at all
    assert len(planned - moved) <= 0.1 * len(planned)


def test_the_head_alone() -> None:
    network = small()
    groups = methods.groups(network, backbones.depth_map(network))
    levels = backbones.depth_map(network).levels
    state = methods.schedule(HeadMethod(), OPTIM, methods.Facts(levels, 2, 1)).at(0)
    methods.apply(network, groups, state)
    assert {name for name, p in network.named_parameters() if p.requires_grad} == {"head.weight", "head.bias"}
