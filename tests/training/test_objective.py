"""From a batch to its loss."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from visionft import backbones
from visionft.backbones import Network
from visionft.settings import AugmentSettings, FitSettings, PreprocessSettings
from visionft.tasks.classification.cross_entropy import ClassificationLoss
from visionft.training.objective import Objective


@pytest.fixture(scope="module")
def network() -> Network:
    torch.manual_seed(0)
    return backbones.create("test_resnet", "none", 3).eval()


def objective(network: Network, **augment: float) -> Objective:
    settings = FitSettings(photos=Path("p"), augment=AugmentSettings.model_validate(augment), seed=5)
    return Objective(network, backbones.preprocess(network, PreprocessSettings()), settings, ClassificationLoss(0.0))


PIXELS = torch.randint(0, 256, (6, 32, 32, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
LABELS = torch.tensor([0, 1, 2, 0, 1, 2])
ROWS = torch.arange(6)


def test_micro_batches_add_up_to_their_batch(network: Network) -> None:
    made = objective(network)
    x, targets = made.inputs(PIXELS, LABELS, 0, None)
    with torch.no_grad():
        whole = made(x, ROWS, targets)
        parts = sum(
            made(part, rows, some) for part, rows, some in zip(x.split(4), ROWS.split(4), targets.split(4), strict=True)
        )
    torch.testing.assert_close(parts, whole, rtol=1e-4, atol=1e-4)
    with torch.no_grad():
        expected = torch.nn.functional.cross_entropy(network(x), LABELS, reduction="sum")
    torch.testing.assert_close(whole, expected)


def test_pixels_are_normalised_as_the_weights_want_them(network: Network) -> None:
    made = objective(network)
    x, targets = made.inputs(PIXELS, LABELS, 0, None)
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (made.preprocess.mean, made.preprocess.std))
    torch.testing.assert_close(x, (PIXELS.permute(0, 3, 1, 2) / 255 - mean) / std, rtol=1e-4, atol=1e-4)
    assert targets.others is None


def test_mixing_is_a_function_of_seed_and_step(network: Network) -> None:
    made = objective(network, mixup=0.4)
    one, again, other = (made.inputs(PIXELS, LABELS, step, None) for step in (3, 3, 4))
    assert torch.equal(one[0], again[0])
    assert one[1].others is not None
    assert one[1].share == again[1].share != other[1].share
