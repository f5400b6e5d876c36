"""The range test takes a fit's own first steps, keeps the ratios of its rates, and leaves everything as it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from visionft import data, methods
from visionft.errors import RunError, UsageError
from visionft.lr_finder.lr_curve import rate_at
from visionft.lr_finder.lr_range_test import Curve, Span, range_test, rising_schedule
from visionft.lr_finder.search_rate import suggestion
from visionft.runs import layout
from visionft.settings import DataSettings, GradualMethod, OptimSettings, build
from visionft.training import train

SPAN = Span(20, 1e-6, 1.0)


@pytest.fixture(scope="module")
def curve(shapes: Path, small: dict[str, Any]) -> Curve:
    manifest = data.prepare(shapes, DataSettings())
    return range_test(build(shapes, None, **small), manifest, SPAN, advance=lambda *_: None)


def test_ratios_of_levels_and_head_stay_while_the_rate_rises() -> None:
    optim = OptimSettings(lr=1e-3, head_lr=1e-2, layer_decay=0.5)
    facts = methods.Facts(levels=5, steps_per_epoch=4, epochs=3, head_solved=True)
    schedule = methods.schedule(GradualMethod(), optim, facts)
    rising = rising_schedule(schedule, schedule.stretches[-1], SPAN, 1e-3)
    assert rising.total_steps == 20
    for step in range(20):
        lr = rate_at(step, 20, 1e-6, 1.0)
        wanted = [lr * 0.5**down for down in (3, 2, 1, 0)] + [10 * lr]
        assert rising.at(step).rates == pytest.approx(wanted)
        assert rising.at(step).lowest == schedule.stretches[-1].lowest


def test_each_step_has_its_rate_and_its_loss(curve: Curve) -> None:
    assert len(curve.rates) == len(curve.losses) > 10
    assert list(curve.rates) == pytest.approx([rate_at(step, 20, 1e-6, 1.0) for step in range(len(curve.rates))])
    assert curve.losses[0] == pytest.approx(1.1, abs=0.25)  # three classes, nothing learnt: log 3
    assert curve.default == "from scratch"


def test_a_loss_that_diverges_at_once_is_one_sentence(curve: Curve, shapes: Path, small: dict[str, Any]) -> None:
    from dataclasses import replace

    early = replace(curve, rates=curve.rates[:3], losses=curve.losses[:3], diverged=True)
    with pytest.raises(RunError, match="diverged after 3 steps, at a rate of 1e-06 already; give a smaller --lowest"):
        suggestion(early, build(shapes, None, **small), SPAN)


def test_a_head_rate_that_was_given_keeps_its_ratio(curve: Curve, shapes: Path, small: dict[str, Any]) -> None:
    found = suggestion(curve, build(shapes, None, **small, **{"optim.head_lr": 4e-3}), SPAN)
    assert found.settings == pytest.approx({"optim.lr": found.lr, "optim.head_lr": 2 * found.lr}, rel=1e-2)


def test_it_begins_after_the_head_was_solved_where_a_fit_does(shapes: Path, small: dict[str, Any]) -> None:
    flags = {**small, "backbone": "visionft_pico", "weights": "hub", "method": "gradual"}
    manifest = data.prepare(shapes, DataSettings())
    solved = range_test(build(shapes, None, **flags), manifest, Span(3, 1e-6, 1e-5), advance=lambda *_: None)
    assert any("validation loss" in line for line in solved.said)
    assert solved.losses[0] < 1.0, "below log 3 from the first step on"


def test_phases_with_rates_of_their_own_have_none_to_find(shapes: Path, small: dict[str, Any]) -> None:
    phases = [{"epochs": 1, "unfreeze": 1.0, "lr": 1e-3}]
    own = build(shapes, None, method={"name": "gradual", "phases": phases}, **{**small, "epochs": "auto"})
    manifest = data.prepare(shapes, DataSettings())
    with pytest.raises(UsageError, match=r"every phase of --method\.phases has an lr of its own"):
        range_test(own, manifest, SPAN, advance=lambda *_: None)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["full", "gradual"])
def test_a_fit_after_it_is_the_fit_without_it(shapes: Path, small: dict[str, Any], tmp_path: Path, method: str) -> None:
    def weights(name: str) -> bytes:
        flags = {**small, "method": method, "out": tmp_path / name, "optim.lr": 2e-3, "optim.head_lr": 2e-3}
        return (train(build(shapes, None, **flags), lambda _: None).path / layout.WEIGHTS).read_bytes()

    before = weights("before")
    manifest = data.prepare(shapes, DataSettings())
    range_test(build(shapes, None, method=method, **small), manifest, SPAN, advance=lambda *_: None)
    assert weights("after") == before
