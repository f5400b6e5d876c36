"""Frozen is frozen: bit-equal parameters and buffers over a cyclic schedule, with real backbones and optimizers."""

from collections.abc import Callable
from typing import Any

import pytest
import timm
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from visionft import backbones, methods
from visionft.backbones import LinearHead, Network, WeightSource
from visionft.settings import GradualMethod, OptimSettings, Phase

SIDE = 64
OPTIM = OptimSettings(lr=1e-2, head_lr=1e-2, layer_decay=0.8)
CYCLE = GradualMethod(
    head_first=False,
    phases=(Phase(epochs=1, unfreeze=0.0), Phase(epochs=1, unfreeze=0.5), Phase(epochs=1)),
    cycles=2,
)
OPTIMIZERS: dict[str, Callable[[list[dict[str, object]]], torch.optim.Optimizer]] = {
    "adamw": lambda groups: torch.optim.AdamW(groups),
    "sgd": lambda groups: torch.optim.SGD(groups, lr=0.0, momentum=0.9),
}
BACKBONES: dict[str, dict[str, object]] = {
    "mobilenetv3_small_050": {"drop_path_rate": 0.1},
    "resnet10t": {},
    "efficientnet_lite0": {},
    "convnext_atto": {"drop_path_rate": 0.1},
    "vit_tiny_patch16_224": {"img_size": SIDE, "depth": 4, "drop_path_rate": 0.1},
    "test_byobnet": {},
}


def small(name: str, **arguments: Any) -> Network:
    torch.manual_seed(0)
    backbone = timm.create_model(name, num_classes=0, **arguments)
    for parameter in backbone.parameters():  # timm starts last norms and layer scales at zero, which hides blocks
        nn.init.normal_(parameter, std=0.1) if parameter.ndim > 1 else nn.init.uniform_(parameter, 0.5, 1.0)
    width = int(backbone.head_hidden_size)  # type: ignore[arg-type]  # nn.Module types every attribute as a tensor
    head = LinearHead(width, 3)
    return Network(backbone, head, name=name, source=WeightSource(name, "none"), features=width, num_classes=3,
                   input_size=(SIDE, SIDE))  # fmt: skip


def step(network: Network, optimizer: torch.optim.Optimizer) -> None:
    x, labels = torch.randn(4, 3, SIDE, SIDE), torch.randint(3, (4,))
    F.cross_entropy(network(x), labels).backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)


def frozen_buffers(network: Network, frozen: set[str]) -> set[str]:
    """Return buffers of modules that have parameters, all of them frozen."""
    names: set[str] = set()
    for path, module in network.named_modules():
        own = {f"{path}.{name}" for name, _ in module.named_parameters(recurse=False)}
        if own and own <= frozen:
            names |= {f"{path}.{name}" for name, _ in module.named_buffers(recurse=False)}
    return names


def copied(network: Network) -> dict[str, Tensor]:
    tensors = {**dict(network.named_parameters()), **dict(network.named_buffers())}
    return {name: tensor.detach().clone() for name, tensor in tensors.items()}


@pytest.mark.parametrize("optimizer_name", OPTIMIZERS)
@pytest.mark.parametrize("name", BACKBONES)
def test_frozen_tensors_are_bit_equal_and_the_others_move(name: str, optimizer_name: str) -> None:
    network = small(name, **BACKBONES[name])
    depth_map = backbones.depth_map(network)
    groups = methods.groups(network, depth_map)
    optimizer = OPTIMIZERS[optimizer_name](methods.parameter_groups(network, groups, weight_decay=0.1))
    schedule = methods.schedule(CYCLE, OPTIM, methods.Facts(depth_map.levels, 2, 6))
    seen_frozen, seen_buffers = set(), set()
    starts = (0, *schedule.changes)
    assert starts == (0, 2, 4, 6, 8, 10)
    for start, end in zip(starts, (*starts[1:], schedule.total_steps), strict=True):
        before = copied(network)
        state = schedule.at(start)
        frozen = {p for g in groups if not state.trains(g.depth, g.role) for p in g.parameters}
        methods.drop_state(optimizer, [g for g in groups if not state.trains(g.depth, g.role)])
        for k in range(start, end):
            network.train()  # what Lightning does after each validation
            methods.apply(network, groups, schedule.at(k))
            methods.set_rates(optimizer, schedule.at(k))
            step(network, optimizer)
        after = copied(network)
        still = frozen | frozen_buffers(network, frozen)
        assert {n for n in still if not torch.equal(before[n], after[n])} == set()
        moved = {n for n, _ in network.named_parameters() if not torch.equal(before[n], after[n])}
        training = {n for n, _ in network.named_parameters()} - frozen
        assert moved <= training
        # a shift before the next batch norm has no effect, hence no gradient but noise, which only AdamW blows up
        assert {n for n in training - moved if optimizer_name == "adamw" or not n.endswith("bias")} == set()
        seen_frozen |= frozen
        seen_buffers |= still - frozen
    assert len(seen_frozen) == sum(1 for _ in network.backbone.parameters())  # each was frozen at some time
    if any(isinstance(module, nn.BatchNorm2d) for module in network.modules()):
        assert len(seen_buffers) > 10


def test_frozen_parameters_have_neither_gradient_nor_momentum() -> None:
    network = small("test_byobnet")
    depth_map = backbones.depth_map(network)
    groups = methods.groups(network, depth_map)
    optimizer = torch.optim.AdamW(methods.parameter_groups(network, groups, weight_decay=0.1))
    schedule = methods.schedule(CYCLE, OPTIM, methods.Facts(depth_map.levels, 1, 6))
    everything, head = schedule.at(2), schedule.at(3)
    methods.apply(network, groups, everything)
    methods.set_rates(optimizer, everything)
    F.cross_entropy(network(torch.randn(2, 3, SIDE, SIDE)), torch.tensor([0, 1])).backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    assert len(optimizer.state) == len(list(network.parameters()))
    methods.apply(network, groups, head)
    methods.drop_state(optimizer, [g for g in groups if not head.trains(g.depth, g.role)])
    assert all(p.grad is None and not p.requires_grad for p in network.backbone.parameters())
    assert all(p.grad is not None for p in network.head.parameters())
    assert set(optimizer.state) == set(network.head.parameters())


def test_modules_are_in_the_mode_of_what_trains_in_them() -> None:
    network = small("vit_tiny_patch16_224", **BACKBONES["vit_tiny_patch16_224"])
    depth_map = backbones.depth_map(network)
    groups = methods.groups(network, depth_map)
    schedule = methods.schedule(CYCLE, OPTIM, methods.Facts(depth_map.levels, 1, 6))
    methods.apply(network, groups, schedule.at(0))
    assert {name for name, module in network.named_modules() if module.training} == {"", "drop", "head"}
    methods.apply(network, groups, schedule.at(1))  # the upper half of stem and four blocks
    upper = [False, True, True, True]
    modes = dict(network.named_modules())
    assert [modes[f"backbone.blocks.{i}.drop_path1"].training for i in range(4)] == upper
    assert [modes[f"backbone.blocks.{i}.mlp.act"].training for i in range(4)] == upper
    assert not modes["backbone.patch_embed.proj"].training
    methods.apply(network, groups, schedule.at(2))
    assert all(module.training for module in network.modules())


def test_a_frozen_backbone_keeps_no_graph() -> None:
    network = small("test_byobnet")
    depth_map = backbones.depth_map(network)
    methods.apply(network, methods.groups(network, depth_map),
                  methods.schedule(CYCLE, OPTIM, methods.Facts(depth_map.levels, 1, 6)).at(0))  # fmt: skip
    assert not network.embed(torch.randn(2, 3, SIDE, SIDE)).requires_grad
