"""Charts of a sweep hold what they are of."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.sweeping.test_sweep_result import draw, result, row
from visionft.sweeping.search_space import dimensions
from visionft.sweeping.sweep_charts import LONGEST, MOST, _short, by_setting, ranking
from visionft.sweeping.sweep_result import FAILED, SweepResult


def test_a_row_a_draw_the_best_on_top_with_its_mean() -> None:
    found = result()
    figure = ranking(found)
    assert figure is not None
    [axes] = figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        _short(one.named) for one in found.draws if one.mean is not None
    ]
    assert axes.yaxis_inverted()
    means = [line for line in axes.lines if line.get_marker() == "D"]
    assert [line.get_xdata()[0] for line in means] == pytest.approx([one.mean for one in found.draws if one.mean])


def test_no_more_draws_than_fit_and_none_where_no_draw_has_a_mean() -> None:
    found = result()
    many = replace(found, draws=tuple(draw(row(n, 0.5)) for n in range(1, MOST + 5)))
    figure = ranking(many)
    assert figure is not None
    assert len(figure.axes[0].get_yticks()) == MOST
    nothing = SweepResult(Path("s"), found.score, (draw(row(1, None, FAILED)),))
    assert ranking(nothing) is None
    assert by_setting(nothing, dimensions("lr=1e-4..1e-1")) is None


def test_each_varied_setting_has_its_chart_on_its_scale() -> None:
    varied = dimensions("lr=1e-4..1e-1,method=full,lora")
    settings = [{"optim.lr": "0.001", "method.name": "full"}, {"optim.lr": "0.01", "method.name": "lora"}]
    rows = [row(n + 1, 0.5 + n / 10, settings=one) for n, one in enumerate(settings)]
    found = replace(result(), draws=tuple(draw(one) for one in rows))
    figure = by_setting(found, varied)
    assert figure is not None
    method, rate = (axes for axes in figure.axes if axes.get_visible())  # by the alphabet
    assert [label.get_text() for label in method.get_xticklabels()] == ["full", "lora"]
    assert rate.get_xscale() == "log"
    assert by_setting(found, ()) is None


def test_long_words_are_cut() -> None:
    assert _short("x" * LONGEST) == "x" * LONGEST
    assert _short("x" * (LONGEST + 1)) == "x" * (LONGEST - 1) + "…"
