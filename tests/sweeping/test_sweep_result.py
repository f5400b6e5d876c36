"""Aggregation: seeds of one draw, the order of draws, which weights stay, and what is said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from statistics import stdev

import numpy as np
import pytest

from visionft.sweeping.differences import Difference
from visionft.sweeping.sweep_result import (
    DONE,
    FAILED,
    PRUNED,
    RUNNING,
    WAITING,
    DrawRow,
    SweepResult,
    TrialRow,
    kept_runs,
    ranked,
)
from visionft.tasks.registry import spec_of

SCORE = spec_of("classification").score


def row(number: int, score: float | None, state: str = DONE, seed: str | None = None, **own: object) -> TrialRow:
    made = TrialRow(number, {"optim.lr": "0.1"}, seed, state, score, (0.1, 0.9), 3.0, 2, run=Path(f"s/{number}"))
    return replace(made, **own)  # type: ignore[arg-type]


def draw(*rows: TrialRow) -> DrawRow:
    return DrawRow({"optim.lr": f"0.{rows[0].number}"}, rows)


def test_seeds_are_a_mean_and_a_spread() -> None:
    three = draw(row(1, 0.5, seed="0"), row(2, 0.7, seed="1"), row(3, 0.9, seed="2"))
    assert three.mean == pytest.approx(0.7)
    assert three.spread == pytest.approx(stdev([0.5, 0.7, 0.9]))
    assert three.best_run(SCORE).number == 3
    assert draw(row(1, 0.5)).spread is None


def test_a_draw_that_lacks_a_seed_has_no_mean() -> None:
    for state in (PRUNED, FAILED, RUNNING, WAITING):
        assert draw(row(1, 0.99), row(2, None, state)).mean is None


@pytest.mark.parametrize(("state", "settled"), [(DONE, False), (PRUNED, True), (FAILED, True), (RUNNING, False)])
def test_a_draw_is_settled_where_nothing_is_to_come(state: str, settled: bool) -> None:
    assert draw(row(1, 0.5, state), row(2, None, WAITING)).settled == settled
    assert draw(row(1, 0.5), row(2, 0.6)).settled


def test_the_best_mean_comes_first_and_for_errors_the_least() -> None:
    a, b, c = draw(row(1, 0.5)), draw(row(2, 0.9)), draw(row(3, None, FAILED))
    assert ranked([c, a, b], SCORE) == [b, a, c]
    assert ranked([c, b, a], spec_of("regression").score) == [a, b, c]


def test_weights_stay_of_the_best_runs_and_of_what_is_not_settled() -> None:
    a = draw(row(1, 0.5, seed="0"), row(2, 0.6, seed="1"))
    b = draw(row(3, 0.9, seed="0"), row(4, 0.8, seed="1"))
    c = draw(row(5, 0.2, seed="0"), row(6, None, RUNNING, seed="1"))
    assert kept_runs([a, b, c], SCORE, 1) == {Path("s/3"), Path("s/5"), Path("s/6")}
    assert kept_runs([a, b], SCORE, 2) == {Path("s/3"), Path("s/2")}
    assert kept_runs([draw(row(1, 0.3, PRUNED))], SCORE, 3) == set()


def test_a_difference_is_paired_over_photos() -> None:
    best, other = np.array([1.0] * 90 + [0.0] * 10), np.array([1.0] * 60 + [0.0] * 40)
    found = Difference.of(best, other)
    assert found.mean == pytest.approx(0.3)
    assert 0 < found.low < 0.3 < found.high
    assert not found.chance
    assert Difference.of(best, best) == Difference(0.0, 0.0, 0.0)
    assert Difference.of(best, best).chance


def result() -> SweepResult:
    first = draw(row(1, 0.9, seed="0"), row(2, 0.8, seed="1"))
    worse = replace(draw(row(3, 0.5, seed="0"), row(4, 0.6, seed="1")), behind=Difference(0.3, 0.2, 0.4))
    alike = replace(draw(row(5, 0.8, seed="0"), row(6, 0.84, seed="1")), behind=Difference(0.03, -0.02, 0.08))
    failed = draw(row(7, None, FAILED, seed="0", sentence="out of memory", interval=None))
    return SweepResult(Path("s"), SCORE, (first, alike, worse, failed))


def test_what_is_said() -> None:
    said = str(result())
    assert (
        "best: optim.lr 0.1, mean validation top-1 85.0% over 2 seeds with a spread of 7.1%; its best run, seed 0"
        in said
    )
    assert "worse than the best by more than chance: 1 of 2 others; maybe as good: optim.lr 0.5; all are on" in said
    assert "20.0 to 40.0 points, more than chance" in said
    assert "-2.0 to 8.0 points, may be chance" in said
    assert "failed: out of memory" in said
    assert result().following == ["export", "s/1"]
    assert result()._repr_html_().startswith("<table>")


def test_the_table_has_a_row_a_trial() -> None:
    table = result().table
    assert table.columns == ("trial", "optim.lr", "seed", "val_top1", "low", "high", "seconds", "state", "run")
    assert [one["trial"] for one in table] == [1, 2, 3, 4, 5, 6, 7]
    assert list(table.to_pandas()["val_top1"])[:2] == [0.9, 0.8]
    assert result().to_json()["draws"][2]["behind"] == {"mean": 0.3, "low": 0.2, "high": 0.4, "chance": False}


def test_a_sweep_that_is_not_complete_names_no_export() -> None:
    open_one = SweepResult(Path("s"), SCORE, (draw(row(1, 0.9)), draw(row(2, None, RUNNING))))
    assert (open_one.complete, open_one.following) == (False, [])
    assert open_one.best_trial is not None
