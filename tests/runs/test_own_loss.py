"""A loss of the caller's own stands where the task's would: mixed, added up, scored and recorded."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import visionft as vft
from visionft.errors import RunMismatchError, SettingsError, UsageError
from visionft.runs.criterion import Photos, Targets
from visionft.runs.own_loss import GivenLoss, OwnLoss
from visionft.tasks.classification.cross_entropy import ClassificationLoss
from visionft.tasks.regression.standardised_loss import StandardisedLoss

LOGITS = torch.randn(6, 4, generator=torch.Generator().manual_seed(0))
LABELS = torch.tensor([0, 1, 2, 3, 0, 1])
OTHERS = torch.tensor([3, 2, 1, 0, 2, 2])


def plain(outputs: Tensor, targets: Tensor) -> Tensor:
    return F.cross_entropy(outputs, targets, reduction="none")


def meaned(outputs: Tensor, targets: Tensor) -> Tensor:
    return F.cross_entropy(outputs, targets)


def focal(outputs: Tensor, targets: Tensor, gamma: float = 2.0) -> Tensor:
    loss = plain(outputs, targets)
    return (1 - (-loss).exp()) ** gamma * loss


def own(function: Any = plain, task: Any = None) -> OwnLoss:
    return OwnLoss(GivenLoss.of(function), task or ClassificationLoss(0.0))


def test_the_same_function_gives_the_sums_of_the_tasks_loss() -> None:
    task = ClassificationLoss(0.0)
    mixed = Targets(LABELS, OTHERS, 0.3)
    assert torch.allclose(own()(LOGITS, Targets(LABELS)), task(LOGITS, Targets(LABELS)))
    assert torch.allclose(own()(LOGITS, mixed), task(LOGITS, mixed))
    ours, theirs = (one.figures(one.sums(LOGITS, LABELS).tolist()) for one in (own(), task))
    assert ours.loss == pytest.approx(theirs.loss, rel=1e-6)
    assert ours.score == theirs.score


def test_validation_has_its_own_mean_beside_the_tasks_score() -> None:
    figures = own(focal).figures(own(focal).sums(LOGITS, LABELS).tolist())
    assert figures.loss == pytest.approx(focal(LOGITS, LABELS).mean().item(), rel=1e-6)
    assert figures.score == pytest.approx((LOGITS.argmax(1) == LABELS).float().mean().item())


def test_a_head_that_is_solved_is_measured_by_it_too() -> None:
    torch.manual_seed(0)
    head, features = nn.Linear(5, 4), torch.randn(6, 5)
    figures = own(focal).solved_figures(head, Photos(features.numpy(), LABELS.numpy()))
    assert figures.loss == pytest.approx(focal(head(features), LABELS).mean().item(), rel=1e-6)
    assert figures.score == pytest.approx((head(features).argmax(1) == LABELS).float().mean().item())


def test_of_numbers_it_is_given_standardised_ones() -> None:
    given: list[tuple[Tensor, Tensor]] = []

    def seen(outputs: Tensor, targets: Tensor) -> Tensor:
        given.append((outputs, targets))
        return F.huber_loss(outputs, targets, reduction="none")

    labels = torch.tensor([10.0, 30.0])
    own(seen, StandardisedLoss("l1", mean=20.0, std=5.0))(torch.tensor([[1.0], [2.0]]), Targets(labels))
    ((outputs, targets),) = given
    assert outputs.tolist() == [1.0, 2.0]
    assert targets.tolist() == [-2.0, 2.0]


def test_a_module_moves_with_its_buffers_and_one_with_weights_is_refused() -> None:
    module = nn.CrossEntropyLoss(weight=torch.ones(4), reduction="none")
    assert "function.weight" in dict(own(module).named_buffers())
    with pytest.raises(UsageError, match=r"loss= has weights of its own \(Linear\), which no optimizer would move"):
        GivenLoss.of(nn.Linear(2, 2))


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (plain, "own:plain"),
        (partial(focal, gamma=1.0), "own:focal"),
        (lambda outputs, _: outputs, "own:lambda"),
        (nn.MSELoss(reduction="none"), "own:MSELoss"),
    ],
)
def test_what_is_recorded_is_a_name(function: Any, name: str) -> None:
    assert GivenLoss.of(function).name == name


def test_a_run_by_it_records_its_name_is_the_same_each_time_and_takes_it_again(
    shapes: Path, small: dict[str, Any], tmp_path: Path
) -> None:
    quiet = {**small, "say": lambda _: None}
    run = vft.fit(shapes, loss=focal, out=tmp_path / "a", **quiet)
    again = vft.fit(shapes, loss=focal, out=tmp_path / "b", **quiet)
    other = vft.fit(shapes, out=tmp_path / "c", **quiet)
    assert run.settings.loss == "own:focal"
    assert run.weights_sha256 == again.weights_sha256 != other.weights_sha256
    assert vft.fit(run.settings.model_copy(update={"out": run.path}), loss=focal, say=lambda _: None).path == run.path
    with pytest.raises(UsageError, match=r"a loss of its author's own, own:focal, and no loss= was given; give that"):
        vft.fit(config=run.path / "settings.yaml", say=lambda _: None)
    with pytest.raises(UsageError, match=r"own:focal, and loss= is own:plain; give that function again"):
        vft.fit(run.settings, loss=plain)
    with pytest.raises(RunMismatchError, match="loss"):
        vft.fit(shapes, out=tmp_path / "a", **quiet)


@pytest.mark.parametrize(
    ("loss", "said"),
    [
        (meaned, r"one loss a photo, \[2\] for as many, and own:meaned returned \[\]; a loss of torch does with"),
        (lambda outputs, targets: outputs @ targets, r"own:lambda fails on outputs \[2, 3\] and targets \[2\]"),
        (lambda outputs, _: torch.zeros(len(outputs)), "own:lambda returns losses without a gradient"),
        (5, "loss= takes a function of .outputs, targets., and was given int"),
    ],
)
def test_what_cannot_be_trained_by_is_said_before_anything_is_written(
    loss: Any, said: str, shapes: Path, small: dict[str, Any], tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=said):
        vft.fit(shapes, loss=loss, out=tmp_path / "run", say=lambda _: None, **small)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ({"optim.class_weights": "balanced"}, "balanced weighs the task's loss, and this one is own:plain"),
        ({"optim.label_smoothing": 0.2}, "the loss is own:plain, which is nobody else's to smooth"),
        ({"method": "head", "epochs": "auto"}, "solves a linear head and trains nothing by epochs"),
    ],
)
def test_what_would_have_no_effect_beside_it_is_refused(
    flags: dict[str, Any], said: str, shapes: Path, small: dict[str, Any], tmp_path: Path
) -> None:
    with pytest.raises(SettingsError, match=said):
        vft.fit(shapes, loss=plain, out=tmp_path / "run", **{**small, **flags})
