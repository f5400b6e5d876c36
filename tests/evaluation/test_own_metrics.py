"""Figures of the caller's own: of the truth and the answers, with an interval, beside the package's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import cohen_kappa_score, roc_auc_score

import visionft as vft
from visionft.errors import UsageError
from visionft.evaluation.own_metrics import own_figures

QUIET: dict[str, Any] = {"say": lambda _: None}


def top1(truth: NDArray[np.int64], answers: NDArray[np.float32]) -> float:
    return float((answers.argmax(1) == truth).mean())


def kappa(truth: NDArray[np.int64], answers: NDArray[np.float32]) -> float:
    return float(cohen_kappa_score(truth, answers.argmax(1)))


def broken(truth: NDArray[np.int64], answers: NDArray[np.float32]) -> float:
    raise ZeroDivisionError("none of these")


def drawn(n: int, hits: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    truth = np.zeros(n, np.int64)
    answers = np.tile(np.array([0.1, 0.9], np.float32), (n, 1))
    answers[:hits] = 0.9, 0.1
    return truth, answers


def test_an_interval_is_that_of_a_share() -> None:
    figure = own_figures({"top1": top1}, *drawn(400, 300))["top1"]
    half = 1.96 * np.sqrt(0.75 * 0.25 / 400)
    assert figure.value == 0.75
    assert figure.interval == pytest.approx((0.75 - half, 0.75 + half), abs=0.015)


def test_a_figure_that_most_draws_lack_has_no_interval() -> None:
    truth = np.array([0] * 40 + [1])
    answers = np.linspace(0, 1, 41, dtype=np.float32)

    def area(truth: NDArray[np.int64], answers: NDArray[np.float32]) -> float:
        if len(set(truth.tolist())) == 1:
            raise ValueError("one class alone")
        return float(roc_auc_score(truth, answers))

    figure = own_figures({"area": area}, truth, answers)["area"]
    assert (figure.value, figure.interval) == (1.0, None)
    assert "no interval" in str(figure)


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (broken, r"bad fails on truth \[4\] and answers \[4, 2\]: ZeroDivisionError: none of these"),
        (lambda truth, answers: float("nan"), "bad returned nan; a figure is a finite number"),
        (lambda truth, answers: "much", "bad fails on truth"),
    ],
)
def test_one_that_fails_is_named(function: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        own_figures({"bad": function}, *drawn(4, 2))


@pytest.mark.parametrize(
    ("metrics", "said"),
    [
        ([top1], "metrics= takes functions by name, such as .*, and was given list"),
        ({"top1": 3}, "metrics= top1 is no function: int was given"),
        ({"": top1}, "names its functions by text, and one is called ''"),
    ],
)
def test_what_is_no_metric_is_refused_before_any_work(metrics: Any, said: str, tmp_path: Path) -> None:
    for verb in (vft.fit, vft.evaluate):
        with pytest.raises(UsageError, match=said):
            verb(tmp_path / "nothing", metrics=metrics)


def test_they_stand_beside_the_packages_in_the_object_the_words_and_the_files(trained: Path, tmp_path: Path) -> None:
    found = vft.evaluate(trained, metrics={"own top-1": top1, "kappa": kappa}, out=tmp_path / "figures")
    assert found.own["own top-1"].value == pytest.approx(found.metrics.top1)
    assert f"kappa: {found.own['kappa']}" in str(found)
    written = json.loads((tmp_path / "figures" / "metrics.json").read_text())
    assert written["own_metrics"]["kappa"] == found.own["kappa"].to_json() == found.summary()["own_metrics"]["kappa"]
    assert found.answers is not None
    assert np.allclose(found.answers.sum(1), 1, atol=1e-5)


def test_fit_measures_them_on_test_and_leaves_its_own_figures_where_one_fails(
    shapes: Path, small: dict[str, Any], tmp_path: Path
) -> None:
    lines: list[str] = []
    with pytest.raises(UsageError, match="bad fails on truth"):
        vft.fit(shapes, metrics={"bad": broken}, out=tmp_path / "run", say=lines.append, **small)
    held = json.loads((tmp_path / "run" / "evaluation" / "test" / "metrics.json").read_text())
    assert "own_metrics" not in held
    run = vft.fit(shapes, metrics={"kappa": kappa}, out=tmp_path / "run", say=lines.append, **small)
    (said,) = [line for line in lines if line.startswith("test: kappa ")]
    held = json.loads((run.path / "evaluation" / "test" / "metrics.json").read_text())
    assert f"{held['own_metrics']['kappa']['value']:.4f}" in said


def test_photos_that_find_one_another_are_not_drawn_twice() -> None:
    def nearest(truth: NDArray[np.int64], answers: NDArray[np.float32]) -> float:
        scores = answers @ answers.T
        np.fill_diagonal(scores, -np.inf)
        return float((truth[scores.argmax(1)] == truth).mean())

    random = np.random.default_rng(0)
    truth, answers = np.repeat(np.arange(20), 2), random.normal(size=(40, 8)).astype(np.float32)
    resampled = own_figures({"nearest": nearest}, truth, answers)["nearest"]
    assert resampled.interval is not None
    assert resampled.interval[0] > resampled.value, "copies find one another: no interval at all"
    figure = own_figures({"nearest": nearest}, truth, answers, compared=True)["nearest"]
    assert (figure.value, figure.interval) == (resampled.value, None)
    assert "drawn twice would find itself" in str(figure)
