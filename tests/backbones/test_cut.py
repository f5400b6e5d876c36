"""Both halves of a cut are the network: equal answers and gradients, at every level where that is promised."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from visionft import backbones
from visionft.backbones import LinearHead, Network, WeightSource

# Plain chains of blocks, with class tokens, stages, windows, and rotary positions that every block reads.
CHAINS = ["test_vit", "test_resnet", "test_efficientnet", "test_convnext", "mobilenetv3_small_050", "visionft_pico"]


def made(name: str) -> Network:
    torch.manual_seed(0)
    network = backbones.create(name, "none", 3)
    for parameter in network.parameters():  # what timm starts at zero would hide a block that is left out
        if not parameter.any():
            nn.init.normal_(parameter, std=0.1)
    return network


def photos(network: Network, n: int, side: int | None = None) -> Tensor:
    size = (side, side) if side else network.input_size
    x = torch.randn(n, 3, *size, generator=torch.Generator().manual_seed(n))
    return x.contiguous(memory_format=torch.channels_last) if network.convolutional else x


def gradients(network: Network, logits: Tensor, level: int) -> dict[str, Tensor | None]:
    levels = backbones.depth_map(network).of_parameter
    upper = {name: parameter for name, parameter in network.named_parameters() if levels[name] >= level}
    found = torch.autograd.grad(logits.square().sum(), list(upper.values()), allow_unused=True)
    return dict(zip(upper, found, strict=True))


SLOW = ("test_efficientnet", "test_convnext")  # the levels with most blocks


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name for name in CHAINS]
)
def test_both_halves_give_the_networks_answers_at_every_level(name: str) -> None:
    network = made(name)
    x = photos(network, 5)
    expected = network(x)
    for level in range(1, backbones.depth_map(network).levels):
        cut = backbones.cut(network, level)
        assert cut is not None
        assert cut.level == level
        assert torch.equal(cut.suffix(cut.prefix(x)), expected)


@pytest.mark.parametrize("name", ["test_vit", "test_resnet"])
def test_what_trains_above_the_cut_gets_the_same_gradient_and_nothing_below_gets_one(name: str) -> None:
    network = made(name)
    x, level = photos(network, 4), backbones.depth_map(network).levels - 3
    cut = backbones.cut(network, level)
    assert cut is not None
    with torch.no_grad():
        activations = cut.prefix(x)
    whole, halves = gradients(network, network(x), level), gradients(network, cut.suffix(activations), level)
    assert [n for n, g in whole.items() if (g is None) != (halves[n] is None)] == []
    assert [n for n, g in whole.items() if g is not None and not torch.equal(g, halves[n])] == []
    cut.suffix(activations).sum().backward()
    levels = backbones.depth_map(network).of_parameter
    assert {name for name, p in network.named_parameters() if p.grad is not None and levels[name] < level} == set()


def test_the_part_below_is_not_run_by_the_suffix_and_the_part_above_not_by_the_prefix() -> None:
    network: Any = made("test_resnet")
    cut = backbones.cut(network, 3)
    assert cut is not None
    ran: list[str] = []
    for name, module in network.backbone.named_modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(lambda *_, name=name: ran.append(name))
    activations = cut.prefix(photos(network, 2))
    below, ran[:] = list(ran), []
    cut.suffix(activations)
    levels = backbones.depth_map(network).of_parameter
    assert {levels[f"backbone.{name}.weight"] < 3 for name in below} == {True}
    assert {levels[f"backbone.{name}.weight"] >= 3 for name in ran} == {True}


def test_photos_of_another_size_are_cut_for_that_size() -> None:
    network = made("test_resnet")
    cut = backbones.cut(network, 3, size=(96, 64))
    assert cut is not None
    x = torch.randn(2, 3, 96, 64)
    assert torch.equal(cut.suffix(cut.prefix(x)), network(x))


def traces_left(network: Network) -> list[Any]:
    hooks = ("_forward_pre_hooks", "_forward_hooks")
    return [(m.training, [len(vars(m)[kind]) for kind in hooks], "forward" in vars(m)) for m in network.modules()]


def test_a_cut_leaves_the_network_as_it_was() -> None:
    network = made("test_resnet").train()
    next(network.parameters()).requires_grad_(False)
    network.head.eval()
    state = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    before = traces_left(network)
    needed = [parameter.requires_grad for parameter in network.parameters()]
    random = torch.get_rng_state()

    cut = backbones.cut(network, 3)
    assert cut is not None
    assert [name for name, tensor in network.state_dict().items() if not torch.equal(tensor, state[name])] == []
    cut.suffix(cut.prefix(photos(network, 2)))

    assert torch.equal(torch.get_rng_state(), random)
    assert traces_left(network) == before
    assert [parameter.requires_grad for parameter in network.parameters()] == needed
    assert all(parameter.grad is None for parameter in network.parameters())


def test_nothing_lies_below_the_stem_and_the_head_is_always_legal() -> None:
    network = made("test_vit")
    assert backbones.cut(network, 0) is None
    levels = backbones.depth_map(network)
    head = backbones.cut(network, 99)
    assert head is not None
    assert (head.level, head.boundary) == (levels.head, None)
    x = photos(network, 2)
    assert torch.equal(head.prefix(x), network.embed(x))


class Chain(nn.Module):
    """Stem, blocks and a mean; `far` reads the first block's answer once more behind the last block."""

    def __init__(self, far: bool, moving: bool = False) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 4, 4)
        self.blocks = nn.ModuleList(nn.Conv2d(4, 4, 1) for _ in range(3))
        self.position = Position()
        self.far, self.moving = far, moving
        self.calls = 0
        self.pretrained_cfg: dict[str, Any] = {}

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        position = self.position(x)
        first = x = self.blocks[0](x)
        x = self.blocks[1](x) + position
        self.calls += 1
        if self.moving:
            x = x * self.calls
        x = self.blocks[2](x).relu()
        return (x + first if self.far else x).mean((2, 3))


class Position(nn.Module):
    """The same for all photos, whatever they show."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.linspace(0, 1, x.shape[-1])


def chained(**kind: bool) -> Network:
    torch.manual_seed(0)
    backbone = Chain(**kind)
    source = WeightSource("chain", "none")
    return Network(
        backbone, LinearHead(4, 3), name="chain", source=source, features=4, num_classes=3, input_size=(16, 16)
    ).eval()


def test_what_no_photo_changes_is_computed_and_not_left_out() -> None:
    network = chained(far=False)
    cut = backbones.cut(network, 3)
    assert cut is not None
    assert (cut.level, cut.boundary) == (3, "blocks.2")
    assert [name for name, _ in cut.skipped] == ["stem", "blocks.0", "blocks.1"]


def test_where_a_later_module_reads_around_the_cut_the_next_level_below_is_taken() -> None:
    network = chained(far=True)
    nn.init.normal_(network.head.weight)
    cut = backbones.cut(network, 3)
    assert cut is not None
    assert cut.level == 1
    x = torch.randn(3, 3, 16, 16)
    assert torch.equal(cut.suffix(cut.prefix(x)), network(x))


def test_a_network_whose_answer_is_no_function_of_the_photo_cannot_be_cut() -> None:
    network = chained(far=False, moving=True)
    nn.init.normal_(network.head.weight)
    assert backbones.cut(network, 2) is None
