"""The vote is its formula, and is chosen by photos that are asked without themselves."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from tests.searching.making import catalogue, indexed, listed
from visionft.searching.open_store import open_to_read
from visionft.searching.vote import Vote, fit_vote


def test_the_nearest_weigh_by_their_similarity() -> None:
    vote = Vote(k=3, temperature=0.5, share=0.1)
    scores = np.array([[0.9, 0.8, 0.4, 0.3]])
    told = vote.probabilities(scores, np.array([[0, 1, 1, 2]]), 4)[0]
    weight = np.exp(np.array([0.9, 0.8, 0.4]) / 0.5)
    expected = np.array([weight[0], weight[1] + weight[2], 0, 0]) / weight.sum()
    assert told == pytest.approx(0.9 * expected + 0.1 / 4)


def test_what_does_not_vote_and_what_nobody_votes_for() -> None:
    vote = Vote(k=2, temperature=0.01, share=0.2)
    told = vote.probabilities(np.array([[0.5, -np.inf], [-np.inf, -np.inf]]), np.array([[1, 0], [0, 0]]), 2)
    assert told == pytest.approx(np.array([[0.1, 0.9], [0.5, 0.5]]))


def test_a_low_temperature_stays_finite() -> None:
    told = Vote(5, 1e-4, 0.01).probabilities(np.full((1, 5), 0.999), np.array([[0, 0, 0, 1, 1]]), 2)
    assert np.isfinite(told).all()
    assert told.sum() == pytest.approx(1)


def test_photos_are_asked_without_themselves_and_their_copies(tmp_path: Path) -> None:
    """Two classes of the same colours, each photo twice under both names: a copy would tell it, nobody else can."""
    root = catalogue(tmp_path / "photos", classes=1, each=12)
    for number in range(12):
        (root / f"d{number % 2}").mkdir(exist_ok=True)
        (root / f"d{number % 2}" / f"{number}.png").write_bytes((root / "c0" / f"{number}.png").read_bytes())
    indexed(tmp_path / "i", listed(root))
    with closing(open_to_read(tmp_path / "i")) as store:
        vote = fit_vote(store)
        assert store.fact("vote") == vote.to_json()
    assert vote.asked == 24
    assert vote.top1 is not None
    assert vote.top1 < 0.8


def test_classes_that_lie_apart_are_told_apart(tmp_path: Path) -> None:
    indexed(tmp_path / "i", listed(catalogue(tmp_path / "photos")))
    with closing(open_to_read(tmp_path / "i")) as store:
        vote = fit_vote(store)
    assert vote.top1 == 1
    assert vote.asked == 20
    assert str(vote).endswith("of 20 indexed photos, each asked without itself, 100.0% get their class")
    assert Vote.from_json(vote.to_json()) == vote


def test_a_photo_a_class_is_too_little_to_choose_by(tmp_path: Path) -> None:
    indexed(tmp_path / "i", listed(catalogue(tmp_path / "photos", classes=12, each=1)))
    with closing(open_to_read(tmp_path / "i")) as store:
        vote = fit_vote(store)
    assert vote == Vote()
    assert str(vote).startswith("the nearest photo decides: too few indexed photos have another of their class")
