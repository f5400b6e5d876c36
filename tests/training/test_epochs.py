"""From a plan to its batches, its schedule and its state."""

from __future__ import annotations

from collections.abc import Callable

import torch

from tests.fits import Begun
from visionft.tasks.classification.cross_entropy import ClassificationLoss

Make = Callable[..., Begun]


def test_the_schedule_is_as_long_as_the_epochs_of_the_settings(begun: Make) -> None:
    one = begun(epochs=3)
    assert one.state.schedule.total_steps == 3 * one.loader.steps_per_epoch
    assert one.state.schedule.epochs == 3


def test_classes_are_weighed_by_their_photos_where_that_is_asked_for(begun: Make) -> None:
    plain, balanced = begun(), begun(**{"optim.class_weights": "balanced"})
    assert plain.state.objective.loss.class_weights is None
    counts = balanced.manifest.counts()["train"]
    found: ClassificationLoss = balanced.state.objective.loss
    assert isinstance(found.class_weights, torch.Tensor)
    shares = torch.tensor([counts[name] for name in balanced.manifest.classes], dtype=torch.float32)
    assert torch.allclose((found.class_weights * shares).sum(), shares.sum())


def test_the_network_is_where_the_batches_go(begun: Make) -> None:
    one = begun()
    assert one.state.device.type == "cpu"
    assert {parameter.device for parameter in one.state.network.parameters()} == {one.state.device}
    assert one.state.averaged is not None
    assert one.state.final_network is one.state.averaged.network
    plain = begun(**{"optim.ema": 0.0}).state
    assert plain.final_network is plain.network
