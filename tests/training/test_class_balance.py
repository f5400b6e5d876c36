"""Weights and priors of long tails against their formulas, in the loss and in the solved head."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from visionft.errors import SettingsError
from visionft.runs.criterion import Photos, Targets
from visionft.settings import FitSettings, build
from visionft.tasks.classification.cross_entropy import ClassificationLoss
from visionft.tasks.classification.learning import LEARNING
from visionft.training.class_balance import balanced, effective, log_prior, solving_weights

OWN = "own:focal"
COUNTS = [1000, 100, 10]


def wanted(**flags: Any) -> FitSettings:
    return build("photos", **flags)


def test_balanced_weights_have_mean_one_over_photos() -> None:
    weights = balanced([10, 30, 60])
    assert (weights * [10, 30, 60]).sum() / 100 == pytest.approx(1.0)
    assert weights[0] / weights[2] == pytest.approx(6.0)


def test_effective_numbers_against_the_geometric_sum() -> None:
    beta = 0.99
    numbers = [sum(beta**k for k in range(n)) for n in COUNTS]  # (1 - beta^n) / (1 - beta)
    weights = effective(COUNTS, beta)
    assert weights[2] / weights[0] == pytest.approx(numbers[0] / numbers[2])
    assert (weights * COUNTS).sum() / sum(COUNTS) == pytest.approx(1.0)
    assert effective(COUNTS, 0.0) == pytest.approx([1, 1, 1])
    assert effective(COUNTS, 1 - 1e-9) == pytest.approx(balanced(COUNTS), rel=1e-4)


def test_adjusted_logits_are_compared_and_validation_sees_them_as_they_are() -> None:
    prior = log_prior(wanted(**{"optim.logit_adjustment": 1.5}), COUNTS)
    assert prior == pytest.approx(1.5 * np.log(np.array(COUNTS) / 1110))
    raised = torch.from_numpy(prior).float()
    logits, labels = torch.randn(8, 3, generator=torch.Generator().manual_seed(0)), torch.arange(8) % 3
    loss = ClassificationLoss(0.1, log_prior=raised)
    expected = F.cross_entropy(logits + raised, labels, label_smoothing=0.1, reduction="sum")
    assert torch.allclose(loss(logits, Targets(labels)), expected)
    parts = [loss(logits[at : at + 3], Targets(labels[at : at + 3])) for at in (0, 3, 6)]
    assert torch.allclose(sum(parts), expected)  # micro-batches add up
    assert loss.sums(logits, labels)[0] == pytest.approx(float(F.cross_entropy(logits, labels, reduction="sum")))
    assert "log_prior" not in loss.state_dict()


def test_the_adjusted_loss_is_least_at_the_logits_of_even_classes() -> None:
    """Two known Gaussians, 20 to 1: the balanced classifier parts them half-way, the plain one nearer to the rare."""
    random = np.random.default_rng(0)
    x = np.r_[random.normal(-1, 1, 20_000), random.normal(1, 1, 1_000)].astype(np.float32)[:, None]
    y = np.r_[np.zeros(20_000, np.int64), np.ones(1_000, np.int64)]
    head = torch.nn.Linear(1, 2)
    photos = Photos(x, y)

    def border(**flags: Any) -> float:
        found = LEARNING.solve(head, wanted(**flags), photos, photos, None)
        slope, offset = found.weight[1] - found.weight[0], found.bias[1] - found.bias[0]
        return float(-offset / slope[0])

    assert border() == pytest.approx(np.log(20) / 2, abs=0.1)  # where 20 N(-1, 1) = N(1, 1)
    for flags in (
        {"optim.logit_adjustment": 1.0},
        {"optim.class_weights": "balanced"},
        {"data.sampling": "balanced"},
    ):
        assert border(**flags) == pytest.approx(0.0, abs=0.1)
    assert border(**{"data.sampling": "sqrt"}) == pytest.approx(np.log(20) / 4, abs=0.1)
    assert border(**{"optim.logit_adjustment": 0.5}) == pytest.approx(np.log(20) / 4, abs=0.1)


def test_fixed_rows_stay_as_they_are_under_adjusted_logits() -> None:
    random = np.random.default_rng(1)
    x, y = random.normal(size=(90, 4)).astype(np.float32), np.repeat(np.arange(3), (60, 20, 10))
    head = torch.nn.Linear(4, 3)
    before = head.weight.detach().numpy().copy(), head.bias.detach().numpy().copy()
    found = LEARNING.solve(head, wanted(**{"optim.logit_adjustment": 1.0}), Photos(x, y), Photos(x, y), [2])
    assert np.array_equal(found.weight[:2], before[0][:2])
    assert np.array_equal(found.bias[:2], before[1][:2])


def test_sampling_weighs_a_solved_head_as_it_draws() -> None:
    weights = solving_weights(wanted(**{"data.sampling": "balanced"}), COUNTS)
    assert weights == pytest.approx(balanced(COUNTS))
    assert solving_weights(wanted(), COUNTS) is None
    assert log_prior(wanted(), COUNTS) is None


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (
            {"data.sampling": "sqrt", "optim.class_weights": "effective"},
            "data.sampling: sqrt makes up for rare classes, and so does optim.class_weights: effective; give one",
        ),
        (
            {"optim.effective_beta": 0.9},
            "effective-beta: 0.9 has no effect, as class weights are none; leave it out, or give --optim.class-weights",
        ),
        (
            {"task": "multilabel", "optim.class_weights": "effective"},
            "effective counts the photos of classes, and the task multilabel has sets of labels; give balanced",
        ),
        (
            {"task": "multilabel", "data.sampling": "balanced"},
            "data.sampling: balanced has no effect, as the task multilabel has no classes of which a photo has one",
        ),
        (
            {"loss": OWN, "optim.logit_adjustment": 1.0},
            "logit-adjustment: 1 is of the task's loss, and this one is own:focal; adjust in that function",
        ),
    ],
)
def test_what_does_not_go_together(flags: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingsError) as raised:
        wanted(**flags)
    assert words in str(raised.value)
