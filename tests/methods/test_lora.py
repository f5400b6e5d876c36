"""Low-rank updates are what the paper says: W + s B A, merged equals unmerged, twice is once."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from torch import nn

from tests.methods.making import OPTIM, edited, first_state, photos, small
from visionft import backbones, methods
from visionft.errors import BackboneError, UsageError
from visionft.methods import lora
from visionft.methods.lora import LoraLinear, LoraPair
from visionft.settings import LoraMethod, QloraMethod

RELATIVE = 1e-5

# Layers called as modules; a model that reads `.weight` past them; convolutions.
FORMS = {"test_vit": LoraLinear, "eva02_tiny_patch14_224": nn.Linear, "test_byobnet": nn.Conv2d}


def close(a: torch.Tensor, b: torch.Tensor) -> bool:
    return bool((a - b).abs().max() <= RELATIVE * b.abs().max())


def test_the_branch_is_the_product_of_its_factors() -> None:
    pair = LoraPair((6, 4), 2, 0.5)
    nn.init.normal_(pair.B)
    x = torch.randn(3, 4)
    assert torch.allclose(pair.branch(x), x @ (0.5 * pair.B @ pair.A).T, atol=1e-6)
    assert torch.allclose(pair(torch.ones(6, 4)), 1 + 0.5 * pair.B @ pair.A)


@pytest.mark.parametrize(("rslora", "scale"), [(False, 16 / 4), (True, 16 / 2)])
def test_the_scale_is_that_of_the_papers(rslora: bool, scale: float) -> None:
    network = edited(LoraMethod(rank=4, alpha=16, rslora=rslora))
    assert {pair.scale for _, _, pair in lora.pairs(network.backbone)} == {scale}


@pytest.mark.parametrize("name", FORMS)
def test_b_of_lora_plus_and_nothing_else_has_a_rate_of_its_own(name: str) -> None:
    method = LoraMethod(lr_ratio=16)
    network = edited(method, name)
    levels = backbones.depth_map(network)
    groups = methods.groups(network, levels)
    own = {parameter for group in groups if group.role == "added_b" for parameter in group.parameters}
    assert own == {name for name in methods.added(network) if name.endswith(".B")}
    assert all(group.decays for group in groups if group.role == "added_b")

    state = methods.schedule(method, OPTIM, methods.Facts(levels.levels, 10, 2, head_solved=True)).at(7)
    depths = range(levels.levels - 1)
    assert all(state.lr(depth, "added_b") == 16 * state.lr(depth, "added") > 0 for depth in depths)
    assert state.lr(levels.levels - 1, "head") == state.rates[-1]


def test_plain_lora_has_one_rate() -> None:
    network = edited(LoraMethod())
    groups = methods.groups(network, backbones.depth_map(network))
    assert "added_b" not in {group.role for group in groups} | methods.roles_trained(LoraMethod())


@pytest.mark.parametrize("name", FORMS)
def test_an_edit_changes_no_answer_until_it_is_trained(name: str) -> None:
    network = small(name)
    before = network(photos(network))
    done = methods.edit(network, LoraMethod())
    assert done is not None
    assert torch.equal(network(photos(network)), before)
    found = list(lora.pairs(network.backbone))
    assert len(found) == done.places > 0
    assert sum(p.numel() for _, _, pair in found for p in pair.parameters()) == done.parameters


@pytest.mark.parametrize("name", FORMS)
def test_folding_a_copy_leaves_the_original_as_it_is(name: str) -> None:
    """torch keeps `weight` of a parametrised layer on a class that copies share."""
    network = edited(LoraMethod(rank=3), name)
    x = photos(network)
    before, copied = network(x), copy.deepcopy(network)
    methods.fold(copied, LoraMethod(rank=3))
    assert torch.equal(network(x), before)
    assert close(copied(x), before)
    methods.fold(network, LoraMethod(rank=3))
    assert torch.equal(network(x), copied(x))


@pytest.mark.parametrize("name", FORMS)
def test_merging_unmerging_and_folding_are_the_same_sum(name: str) -> None:
    network = edited(LoraMethod(rank=3), name)
    start = {path: pair for path, _, pair in lora.pairs(network.backbone)}
    base = {n: p.detach().clone() for n, p in network.named_parameters()}
    x = photos(network)
    with torch.no_grad():
        unmerged = network.embed(x)
        lora.merge(network.backbone)
        merged = network.embed(x)
        lora.merge(network.backbone)
        twice = network.embed(x)
        lora.unmerge(network.backbone)
        assert close(merged, unmerged)
        assert torch.equal(twice, merged)
        assert close(network.embed(x), unmerged)
        assert all(close(p, base[n]) for n, p in network.named_parameters())
        lora.fold(network.backbone)
        assert close(network.embed(x), unmerged)
    assert start
    assert not list(lora.pairs(network.backbone))
    plain = small(name)
    assert network.state_dict().keys() == plain.state_dict().keys()
    assert {type(m) for m in network.modules()} == {type(m) for m in plain.modules()}


@pytest.mark.parametrize("name", ["test_vit", "test_byobnet"])
def test_folding_what_is_merged_merges_once(name: str) -> None:
    network = edited(LoraMethod(), name)
    with torch.no_grad():
        before = network.embed(photos(network))
        lora.merge(network.backbone)
        lora.fold(network.backbone)
        assert close(network.embed(photos(network)), before)


@pytest.mark.parametrize("name", ["test_vit", "test_byobnet"])
def test_folding_in_training_drops_nothing(name: str) -> None:
    network = edited(LoraMethod(dropout=0.5), name).eval()
    before = network.embed(photos(network))
    network.train()
    lora.fold(network.backbone)
    assert close(network.eval().embed(photos(network)), before)


def test_the_folded_weight_is_the_base_and_the_product() -> None:
    network = edited(LoraMethod(rank=4, alpha=2))
    layer = network.backbone.get_submodule("blocks.0.attn.qkv")
    assert isinstance(layer, LoraLinear)
    expected = layer.weight + 0.5 * layer.lora.B @ layer.lora.A
    lora.fold(network.backbone)
    assert torch.allclose(network.backbone.get_parameter("blocks.0.attn.qkv.weight"), expected)


@pytest.mark.parametrize("name", ["test_vit", "eva02_tiny_patch14_224"])
def test_dropout_is_alive_in_training_and_the_frozen_base_is_not(name: str) -> None:
    method = LoraMethod(dropout=0.5)
    network = edited(method, name)

    network.train()
    methods.apply(network, methods.groups(network, backbones.depth_map(network)), first_state(network, method))
    training = {path for path, module in network.named_modules() if module.training and path}
    assert any(path.endswith("dropout") for path in training)
    assert all(
        "lora" in path or "parametrizations" in path or path.split(".")[0] in ("head", "drop") for path in training
    )
    with torch.no_grad():
        assert not torch.equal(network.embed(photos(network)), network.embed(photos(network)))
        network.eval()
        assert torch.equal(network.embed(photos(network)), network.embed(photos(network)))


@pytest.mark.parametrize(("targets", "rows"), [("q", [(0, 64)]), ("v", [(128, 192)]), ("qv", [(0, 64), (128, 192)])])
def test_slices_of_a_fused_layer_leave_the_other_rows_alone(targets: str, rows: list[tuple[int, int]]) -> None:
    base = small().backbone.get_parameter("blocks.0.attn.qkv.weight")
    network = edited(LoraMethod(targets=targets))
    lora.fold(network.backbone)
    moved = (network.backbone.get_parameter("blocks.0.attn.qkv.weight") != base).any(1)
    assert moved.nonzero().flatten().tolist() == [i for start, stop in rows for i in range(start, stop)]
    assert not list(lora.pairs(network.backbone))


def test_zero_adapted_layers_are_an_error_that_shows_the_layers() -> None:
    with pytest.raises(BackboneError, match=r"test_resnet has no layers that --method.targets attention names; give"):
        methods.edit(small("test_resnet"), LoraMethod(targets="attention"))
    with pytest.raises(UsageError, match=r"atention matches no layer of test_vit; give attention, mlp, .* blocks\.0"):
        methods.edit(small(), LoraMethod(targets="atention"))
    with pytest.raises(UsageError, match=r"blocks\.\( is no regular expression \(.*\); give one, or attention"):
        methods.edit(small(), LoraMethod(targets="blocks.("))


def test_a_regular_expression_matches_whole_names() -> None:
    done = methods.edit(small(), LoraMethod(targets=r"blocks\.\d+\.attn\.qkv"))
    assert done is not None
    assert done.places == 6


def test_the_upper_share_of_the_depth_alone() -> None:
    network = small()
    methods.edit(network, LoraMethod(unfreeze=0.3))
    assert {path.split(".")[1] for path, _, _ in lora.pairs(network.backbone)} == {"4", "5"}


def test_a_quantised_layer_folds_and_does_not_merge() -> None:
    network = edited(QloraMethod(quantization="int8"))
    with torch.no_grad():
        before = network.embed(photos(network))
        with pytest.raises(BackboneError, match="is quantised and cannot hold its update"):
            lora.merge(network.backbone)
        methods.fold(network, QloraMethod())
        assert close(network.embed(photos(network)), before)


def test_the_gradient_of_both_forms_is_the_same() -> None:
    x, weight = torch.randn(5, 4), torch.randn(6, 4)
    gradients = []
    for form in ("branch", "weight"):
        torch.manual_seed(0)
        pair = LoraPair((6, 4), 2, 1 / math.sqrt(2))
        nn.init.normal_(pair.B)
        y = x @ weight.T + pair.branch(x) if form == "branch" else x @ pair(weight).T
        y.square().sum().backward()
        gradients.append((pair.A.grad, pair.B.grad))
    for a, b in zip(*gradients, strict=True):
        assert torch.allclose(a, b, atol=1e-4)
