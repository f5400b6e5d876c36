"""Batch norms keep the statistics of pretraining while everything else trains."""

from __future__ import annotations

import torch
from torch import nn

from visionft.backbones.rewrites.eval_mode_bn import freeze_norms


def test_statistics_stay_and_normalise_while_the_rest_trains() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.5), nn.GroupNorm(2, 4)).train()
    norm = network[1]
    assert isinstance(norm, nn.BatchNorm2d)
    norm.running_mean, norm.running_var = torch.full((4,), 2.0), torch.full((4,), 9.0)
    freeze_norms(network)
    assert [part.training for part in network] == [True, False, True, True]
    x = torch.randn(8, 4, 5, 5)
    torch.testing.assert_close(norm(x), (x - 2) / (9 + norm.eps) ** 0.5)
    assert norm.running_mean.tolist() == [2.0] * 4
    assert norm.weight.requires_grad, "its scale may train"
