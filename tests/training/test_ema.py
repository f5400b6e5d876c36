"""The average of the weights is timm's; what has two names moves once, what never trains not at all."""

from __future__ import annotations

import torch
from timm.utils.model_ema import ModelEmaV3
from torch import nn

from visionft.training.ema import AveragedNetwork


def moving() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(16, 2))


def step(network: nn.Module) -> None:
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn_like(parameter))
        network(torch.randn(5, 3, 4, 4))  # moves the buffers


def test_the_average_is_bit_for_bit_that_of_timm() -> None:
    network = moving()
    reference, ours = ModelEmaV3(network, decay=0.9, use_warmup=True), AveragedNetwork(network, 0.9)
    for number in range(6):
        step(network)
        reference.update(network, step=number)
        ours.update(number)
    expected = reference.module.state_dict()
    assert all(torch.equal(tensor, expected[name]) for name, tensor in ours.state_dict().items())
    assert ours.state_dict()["1.num_batches_tracked"] == 6


def test_a_tensor_under_two_names_moves_once() -> None:
    network = moving()
    ours, twice = AveragedNetwork(network[3], 0.5), nn.ModuleDict({"a": network[3], "b": network[3]})
    both = AveragedNetwork(twice, 0.5)
    for number in range(4):
        step(network)
        ours.update(number)
        both.update(number)
    assert torch.equal(both.state_dict()["b.weight"], ours.state_dict()["weight"])


def test_what_never_trains_is_shared_and_left_alone() -> None:
    network = moving()
    ours = AveragedNetwork(network, 0.9, fixed=["0.weight"])
    before = network[0].weight.clone()
    ours.update(3)
    assert ours.network.get_parameter("0.weight").data_ptr() == network[0].weight.data_ptr()
    assert torch.equal(network[0].weight, before)
