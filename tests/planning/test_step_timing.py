"""Saved bytes are what autograd keeps: counted by hand on a small chain, and the same for any number of photos."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from visionft import backbones, methods
from visionft.errors import MemoryShortError
from visionft.planning import step_timing
from visionft.planning.step_timing import Way, bytes_beside, fitting_micro_batch, saved_bytes
from visionft.settings import AdapterMethod, LoraMethod, NormMethod
from visionft.settings.method import Method

SIDE = 32


def chain() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(3, 5, 3, 2, 1), nn.ReLU(), nn.Flatten(), nn.Linear(5 * 16 * 16, 4))


def test_counts_each_storage_once_and_no_parameter() -> None:
    pixels, activations = 3 * SIDE * SIDE, 5 * 16 * 16  # the ReLU's answer is also the last layer's input, flattened
    assert saved_bytes(chain(), (SIDE, SIDE)) == 4 * (pixels + activations)


def test_frozen_layers_save_nothing_below_the_first_that_trains() -> None:
    network = chain()
    network[0].requires_grad_(False)
    assert saved_bytes(network, (SIDE, SIDE)) == 4 * 5 * 16 * 16
    network.requires_grad_(False)
    assert saved_bytes(network, (SIDE, SIDE)) == 0


@pytest.mark.parametrize("name", ["test_vit", "mobilenetv3_small_050"])
def test_is_the_same_for_any_number_of_photos_and_changes_nothing(name: str) -> None:
    torch.manual_seed(0)
    network = backbones.create(name, "none", 3, size=64)
    before = {key: tensor.clone() for key, tensor in network.state_dict().items()}
    assert saved_bytes(network, (64, 64), photos=2) == saved_bytes(network, (64, 64), photos=5) > 0
    assert all(torch.equal(tensor, before[key]) for key, tensor in network.state_dict().items())
    assert all(parameter.grad is None for parameter in network.parameters())


@pytest.mark.parametrize("method", [AdapterMethod(), LoraMethod(targets="qv")], ids=lambda method: method.name)
def test_additions_to_a_transformer_keep_less_than_full_fine_tuning(method: Method) -> None:
    network = backbones.create("test_vit", "none", 3)
    full = saved_bytes(network, network.input_size)
    methods.edit(network, method)
    assert saved_bytes(network, network.input_size) < 0.9 * full


def test_lora_on_a_convolutional_backbone_keeps_nearly_as_much() -> None:
    torch.manual_seed(0)
    network = backbones.create("mobilenetv3_small_050", "none", 3, size=64)
    full = saved_bytes(network, (64, 64))
    methods.edit(network, LoraMethod())
    assert saved_bytes(network, (64, 64)) > 0.9 * full


def test_what_a_schedule_freezes_is_seen() -> None:
    network = backbones.create("test_vit", "none", 3)
    full = saved_bytes(network, network.input_size)
    levels = backbones.depth_map(network)
    state = methods.State(0, (1e-3,) * levels.levels, methods.roles_trained(NormMethod()))
    methods.apply(network, methods.groups(network, levels), state)
    assert saved_bytes(network, network.input_size) < full


def test_what_training_holds_beside_a_pass_is_counted() -> None:
    weights = sum(parameter.nbytes for parameter in chain().parameters())
    assert bytes_beside(chain(), averaged=False, pulled=False) == 2 * weights
    assert bytes_beside(chain(), averaged=True, pulled=True) == 4 * weights


def test_a_micro_batch_has_to_fit_beside_what_is_reserved(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[int] = []

    def room_for_four(network: nn.Module, size: tuple[int, int], ways: list[Way], *_: object, **__: object) -> None:
        tried.append(ways[0].photos)
        if ways[0].photos > 4:
            raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(step_timing, "seconds_per_photo", room_for_four)
    assert fitting_micro_batch(chain(), (SIDE, SIDE), 16, "cpu", None, False, reserved=1000) == 4
    assert tried == [16, 8, 4]
    with pytest.raises(MemoryShortError, match="no room to train on a single photo"):
        fitting_micro_batch(chain(), (SIDE, SIDE), 16, "cpu", None, False, reserved=1 << 60)
    assert tried == [16, 8, 4], "nothing is tried where there is no room for what is reserved"
