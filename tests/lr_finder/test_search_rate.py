"""What a curve suggests, beside the rate of the default; the range test itself is in test_lr_range_test.py."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from visionft.errors import RunError
from visionft.lr_finder.lr_curve import rate_at
from visionft.lr_finder.lr_range_test import Curve, Span
from visionft.lr_finder.search_rate import LEAST, suggestion
from visionft.settings import FitSettings, build

SPAN = Span(40, 1e-6, 1.0)
RATES = tuple(rate_at(step, 40, 1e-6, 1.0) for step in range(40))
FALLING = tuple(
    2.0 if rate < 1e-4 else 1.0 if rate > 1e-2 else 2.0 - (step - 13) / 14 for step, rate in enumerate(RATES)
)


def wanted(**flags: float) -> FitSettings:
    return build(Path("photos"), None, **{"optim.lr": 3e-4, **flags})


def curve(losses: tuple[float, ...], *, diverged: bool = False) -> Curve:
    return Curve(RATES[: len(losses)], losses, diverged, wanted(), "pretrained", (1, 1), ())


def test_a_rate_on_the_slope_is_suggested_beside_the_default() -> None:
    found = suggestion(curve(FALLING), wanted(), SPAN)
    assert 1e-4 < found.lr < 1e-2
    assert (found.default, found.settings) == (3e-4, {"optim.lr": found.lr})
    assert found.reason.startswith("the loss falls fastest there")
    assert (len(found.smoothed), found.steps, found.phase) == (40, 40, (1, 1))


def test_where_nothing_falls_it_is_the_default_and_what_may_say_more() -> None:
    found = suggestion(curve((1.0,) * 40), wanted(), SPAN)
    assert (found.lr, found.settings) == (3e-4, {"optim.lr": 3e-4})
    assert found.reason.startswith("the default: ")
    assert found.reason.endswith("; a higher --highest may say more")


def test_a_rate_of_the_head_that_was_given_keeps_its_ratio() -> None:
    found = suggestion(curve(FALLING), wanted(**{"optim.head_lr": 6e-3}), SPAN)
    assert found.settings == {"optim.lr": found.lr, "optim.head_lr": pytest.approx(20 * found.lr, rel=5e-3)}


def test_a_curve_of_too_few_steps_is_none() -> None:
    early = curve(FALLING[: LEAST - 1], diverged=True)
    with pytest.raises(RunError, match="diverged after 9 steps, at a rate of 1e-06 already; give a smaller --lowest"):
        suggestion(early, wanted(), SPAN)
    enough = replace(early, rates=RATES[:LEAST], losses=FALLING[:LEAST])
    assert suggestion(enough, wanted(), SPAN).diverged
