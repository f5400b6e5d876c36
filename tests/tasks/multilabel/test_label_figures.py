"""mAP, F1 and their intervals against scikit-learn and by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score

from visionft.tasks.multilabel.label_figures import FEWEST, draws, label_figures

NAMES = ("a", "b", "c", "d")
HALF = np.full(4, 0.5, np.float32)


def told(seed: int = 0, n: int = 200, unknown: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    entries = (random.random((n, 4)) < [0.5, 0.3, 0.1, 0.2]).astype(np.int8)
    scores = 1 / (1 + np.exp(-random.normal(3 * entries - 1.5, 1.5)))
    entries[random.random(entries.shape) < unknown] = -1
    return scores.astype(np.float32), entries


def test_the_figures_are_those_of_scikit_learn() -> None:
    scores, entries = told()
    found = label_figures(scores, entries, HALF, NAMES)
    assert found.map == pytest.approx(average_precision_score(entries, scores, average="macro"))
    assert found.micro_f1 == pytest.approx(f1_score(entries, scores >= 0.5, average="micro"))
    assert found.macro_f1 == pytest.approx(f1_score(entries, scores >= 0.5, average="macro"))
    row = found.labels[2]
    assert (row.name, row.support, row.known, row.threshold) == ("c", int(entries[:, 2].sum()), 200, 0.5)
    assert row.f1 == pytest.approx(f1_score(entries[:, 2], scores[:, 2] >= 0.5))


def test_unknown_entries_are_in_no_figure() -> None:
    scores, entries = told(unknown=0.5)
    other = np.where(entries < 0, 1 - scores, scores)
    first, second = (label_figures(one, entries, HALF, NAMES) for one in (scores, other))
    assert first.to_json() == second.to_json()
    assert "of the entries unknown" in str(first)


def test_a_label_with_one_known_value_is_in_no_mean() -> None:
    scores, entries = told()
    entries[:, 0], entries[:, 1] = 1, 0
    found = label_figures(scores, entries, HALF, NAMES)
    assert found.map == pytest.approx(average_precision_score(entries[:, 2:], scores[:, 2:], average="macro"))
    assert (found.labels[0].ap, found.labels[1].ap, found.labels[1].f1) == (None, None, None)
    alone = label_figures(scores[:, :1], entries[:, :1], HALF[:1], ("a",))
    assert (alone.map, alone.macro_f1, alone.intervals["map"]) == (None, None, None)
    assert "mAP is none" in alone.headline
    json.dumps(alone.to_json(), allow_nan=False)


def test_intervals_hold_the_figure_of_many_photos_about_as_often_as_they_say() -> None:
    many = told(99, 20_000)
    truth = f1_score(many[1], many[0] >= 0.5, average="micro")
    ends = [label_figures(*told(seed, 80), HALF, NAMES).intervals["micro_f1"] for seed in range(40)]
    assert 34 <= sum(low <= truth <= high for low, high in filter(None, ends)) <= 40


def test_equal_seeds_give_equal_intervals_and_drawing_in_parts_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    first = label_figures(*told(), HALF, NAMES).intervals
    monkeypatch.setattr("visionft.tasks.multilabel.label_figures._CHUNK_CELLS", 20_000)
    assert label_figures(*told(), HALF, NAMES).intervals == first


def test_many_photos_with_many_labels_are_drawn_less_often() -> None:
    assert (draws(100, 10), draws(100_000, 1000)) == (1000, FEWEST)
    assert FEWEST < draws(10_000, 100) < 1000


@pytest.mark.parametrize(
    ("scores", "entries", "words"),
    [
        (np.zeros((2, 3)), np.zeros((2, 4)), "give both as"),
        (np.zeros((0, 4)), np.zeros((0, 4)), "give both as"),
        (np.full((2, 4), np.nan), np.zeros((2, 4)), "diverged"),
    ],
)
def test_what_has_no_figures_is_refused(scores: np.ndarray, entries: np.ndarray, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        label_figures(scores, entries.astype(np.int8), HALF, NAMES)
