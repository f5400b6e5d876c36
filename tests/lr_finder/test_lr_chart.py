"""The picture of a range test shows both curves, both rates, and the fall rather than the divergence."""

from __future__ import annotations

import matplotlib as mpl
import pytest

from visionft.lr_finder.lr_chart import ABOVE, lr_chart

RATES = [10.0**power for power in range(-6, 0)]
SMOOTHED = [2.0, 1.9, 1.5, 1.0, 4.0, 50.0]
LOSSES = [2.1, 1.8, 1.6, 0.9, 5.0, 90.0]


def test_each_curve_and_each_rate_is_drawn_and_named() -> None:
    axes = lr_chart(RATES, LOSSES, SMOOTHED, 1e-3, 3e-4).axes[0]
    losses, smoothed, suggested, default = axes.lines
    assert list(losses.get_xdata()) == list(smoothed.get_xdata()) == RATES
    assert (list(losses.get_ydata()), list(smoothed.get_ydata())) == (LOSSES, SMOOTHED)
    assert (set(suggested.get_xdata()), set(default.get_xdata())) == ({1e-3}, {3e-4})
    names = [text.get_text() for text in axes.get_legend().get_texts()]
    assert names == ["loss of a batch", "smoothed", "suggested 0.001", "default 0.0003"]
    assert axes.get_xscale() == "log"


def test_a_suggestion_that_is_the_default_is_marked_once() -> None:
    assert len(lr_chart(RATES, LOSSES, SMOOTHED, 1e-3, 1e-3).axes[0].lines) == 3


def test_the_axis_ends_a_little_above_what_fell() -> None:
    height = 2.1 - 0.9
    assert lr_chart(RATES, LOSSES, SMOOTHED, 1e-3, 1e-3).axes[0].get_ylim() == pytest.approx(
        (0.9 - 0.05 * height, 2.1 + ABOVE * height)
    )


def test_a_flat_curve_has_an_axis_too_and_no_setting_of_matplotlib_stays() -> None:
    before = dict(mpl.rcParams)
    low, high = lr_chart(RATES, [1.0] * 6, [1.0] * 6, 1e-3, 1e-3).axes[0].get_ylim()
    assert low < 1.0 < high
    assert dict(mpl.rcParams) == before
