"""What "auto" becomes, from facts alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from visionft.errors import UsageError
from visionft.planning import auto
from visionft.planning.auto import Facts, resolve_machine, resolve_training
from visionft.planning.choices import Choice
from visionft.settings import FitSettings, FullMethod, GradualMethod, HeadMethod
from visionft.settings.method import Method

FACTS = Facts(
    photos=300, classes=10, batch_norms=True, convolutional=True, any_size=True, input_size=(224, 224), pretrained=True
)


def settings(method: Method) -> FitSettings:
    given = FitSettings(photos=Path("photos"), method=method)
    return given.model_copy(update={"hardware": given.hardware.model_copy(update={"device": "cpu"})})


@pytest.mark.parametrize("method", [FullMethod(), GradualMethod()], ids=lambda method: method.name)
def test_the_head_comes_first_unless_the_backbone_starts_from_scratch(method: Method) -> None:
    pretrained, choices = resolve_training(settings(method), FACTS)
    scratch, _ = resolve_training(settings(method), replace(FACTS, pretrained=False))

    assert pretrained.method == method.model_copy(update={"head_first": True})
    assert scratch.method == method.model_copy(update={"head_first": False})
    assert choices[0].setting == "method.head_first"


def test_a_head_first_that_was_given_stays() -> None:
    wanted = FullMethod(head_first=True)
    resolved, choices = resolve_training(settings(wanted), replace(FACTS, pretrained=False))

    assert resolved.method == wanted
    assert "method.head_first" not in [choice.setting for choice in choices]


def test_the_head_method_has_no_such_choice() -> None:
    resolved, choices = resolve_training(settings(HeadMethod()), FACTS)

    assert resolved.method == HeadMethod()
    assert "method.head_first" not in [choice.setting for choice in choices]


@pytest.mark.parametrize(("head", "share"), [("linear", 1.0), ("mlp", 10.0), ("cosine", 10.0)])
def test_a_head_that_starts_new_learns_ten_times_as_fast_as_the_backbone(head: str, share: float) -> None:
    given = settings(FullMethod()).model_copy(update={"head": head})
    resolved, _ = resolve_training(given, FACTS)

    assert resolved.optim.head_lr == pytest.approx(share * float(resolved.optim.lr))


def test_a_rate_is_told_without_the_rounding_of_its_product() -> None:
    assert str(Choice("optim.head_lr", 0.0003 * 10, "new")) == "optim.head_lr = 0.003  (new)"
    assert str(Choice("hardware.compile", False, "asked")) == "hardware.compile = False  (asked)"


def test_a_solver_for_a_head_that_it_cannot_solve_is_refused() -> None:
    given = settings(HeadMethod(solver="lbfgs")).model_copy(update={"head": "mlp"})
    with pytest.raises(UsageError, match=r"lbfgs solves linear heads, and --head is mlp; give --method\.solver epochs"):
        resolve_training(given, FACTS)


@pytest.mark.parametrize(
    ("device", "cores", "workers"), [("cpu", 2, 0), ("cpu", 8, 0), ("cpu", 64, 2), ("cuda", 4, 4), ("cuda", 64, 16)]
)
def test_workers_stand_beside_training_only_where_it_leaves_them_cores(
    device: str, cores: int, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auto, "pick_device", lambda _: device)
    monkeypatch.setattr(auto, "cores", lambda: cores)
    assert resolve_machine(FitSettings(photos=Path("photos")))[0].hardware.workers == workers


def test_a_solved_head_alone_averages_nothing() -> None:
    resolved, _ = resolve_training(settings(HeadMethod()), FACTS)

    assert (resolved.epochs, resolved.optim.ema) == (0, 0.0)
