"""What a method changes of a network, and how it is put into plain weights again."""

from __future__ import annotations

import copy

import pytest
import torch

from tests.methods.making import small
from tests.methods.test_target_modules import UPDATED, made, photos, trained
from visionft import methods
from visionft.errors import BackboneError
from visionft.methods.inject import restore
from visionft.settings import AdapterMethod, AnyMethod, FullMethod, LoraMethod, NormMethod, PromptMethod, QloraMethod


@pytest.mark.parametrize("method", UPDATED, ids=["bf16", "int8", "unfreeze"])
def test_folding_makes_stored_layers_plain_that_have_no_update(method: LoraMethod | QloraMethod) -> None:
    network = trained(made("test_vit"), method)
    with torch.no_grad():
        before = network(photos(network))
        methods.fold(network, method)
        after = network(photos(network))
    plain = made("test_vit")
    assert (after - before).abs().max() <= 2e-2 * before.abs().max()  # bf16 multiplies in bf16
    assert {type(module) for module in network.modules()} == {type(module) for module in plain.modules()}
    plain.load_state_dict(network.state_dict())
    assert torch.equal(plain(photos(network)), after)


@pytest.mark.parametrize("name", ["test_byobnet", "eva02_tiny_patch14_224"])
def test_folding_a_copy_leaves_the_original_whole(name: str) -> None:
    network = trained(made(name), LoraMethod())
    x = photos(network)
    with torch.no_grad():
        before = network(x)
        copied = copy.deepcopy(network)
        methods.fold(copied, LoraMethod())
        assert torch.equal(network(x), before)
        methods.fold(network, LoraMethod())
        assert torch.equal(network(x), copied(x))


@pytest.mark.parametrize(
    ("method", "kept"),
    [(QloraMethod(), "nf4"), (QloraMethod(quantization="int8"), "int8"), (LoraMethod(base_dtype="bf16"), "bf16")],
)
def test_convolutions_alone_cannot_be_kept_small(method: LoraMethod | QloraMethod, kept: str) -> None:
    with pytest.raises(
        BackboneError,
        match=rf"^test_byobnet has no linear layers that could be kept in {kept}, .* --method lora with .* fp32$",
    ):
        methods.edit(made("test_byobnet"), method)


def test_everything_but_additions_and_head_is_frozen_and_the_sum_is_said() -> None:
    network = small()
    total = sum(parameter.numel() for parameter in network.backbone.parameters())
    done = methods.edit(network, AdapterMethod(width=8))
    assert done is not None
    added = sum(network.get_parameter(name).numel() for name in methods.added(network))
    assert (done.places, done.parameters, done.stored) == (6, added, 0)
    assert done.sentence == (
        f"a bottleneck of 8 beside each of 6 MLPs: {added:,} added parameters beside {total:,} frozen ones"
    )
    trained = {name for name, parameter in network.named_parameters() if parameter.requires_grad}
    assert trained == {*methods.added(network), "head.weight", "head.bias"}


@pytest.mark.parametrize("method", [FullMethod(), NormMethod()])
def test_methods_that_train_what_is_there_change_nothing(method: AnyMethod) -> None:
    network = small()
    before = [name for name, _ in network.named_parameters()]
    assert methods.edit(network, method) is None
    assert [name for name, _ in network.named_parameters()] == before


def test_additions_that_cannot_be_folded_are_put_back_and_updates_are_not() -> None:
    for method, kept in ((AdapterMethod(), True), (PromptMethod(), True), (LoraMethod(), False)):
        network = small()
        restore(network, method)
        assert bool(methods.added(network)) is kept
