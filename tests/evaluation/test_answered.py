"""Answers to be compared: from what was written where that may be, measured anew elsewhere; labels by their names."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from visionft.classes import Classes
from visionft.data import Column, Rows
from visionft.errors import DataError
from visionft.evaluation import answered
from visionft.evaluation.answered import answered_by_bundle, answered_by_run, translated
from visionft.evaluation.evaluation import Measured
from visionft.photos import Account

NAMES = ("a.jpg", "b.jpg", "c.jpg")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return what is asked of a run, which was evaluated on two of its three photos, and trained on a.jpg."""
    file = tmp_path / "evaluation" / "test" / "predictions.parquet"
    file.parent.mkdir(parents=True)
    pq.write_table(pa.table({"path": ["c.jpg", "a.jpg"], "label": ["hat", "bag"]}), file)
    table = pa.table({"path": list(NAMES), "digest": [f"digest of {name}" for name in NAMES]})
    monkeypatch.setattr(answered, "verified_table", lambda path: path)
    monkeypatch.setattr(
        answered, "known_photos", lambda _, digests: np.array([int(each == "digest of a.jpg") for each in digests])
    )
    monkeypatch.setattr(answered, "evaluate_run", lambda *asked: pytest.fail(f"measured again: {asked}"))
    return SimpleNamespace(
        path=tmp_path, epoch=None, classes=Classes.of(["hat", "bag"]), manifest=lambda: SimpleNamespace(table=table)
    )


def measured_anew(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Let an evaluation answer at once, and return what was asked of it."""
    calls: list[Any] = []

    def evaluate(subject: Any, *asked: Any) -> Any:
        calls.append(asked)
        digests = Column(pa.array(["digest of a.jpg", "digest of x.jpg"]))
        return SimpleNamespace(digests=digests, predictions=pa.table({"path": ["a.jpg", "x.jpg"]}))

    monkeypatch.setattr(answered, "evaluate_run", evaluate)
    monkeypatch.setattr(answered, "evaluate_bundle", evaluate)
    return calls


def test_what_was_written_is_read_and_each_photo_has_its_own_digest(run: Any) -> None:
    found = answered_by_run(run, "test")
    assert list(found.digests) == ["digest of c.jpg", "digest of a.jpg"]
    assert found.known.tolist() == [False, True]
    assert found.table["label"].to_pylist() == ["hat", "bag"]
    assert (found.path, found.bundle, found.classes) == (run.path, False, ("bag", "hat"))


@pytest.mark.parametrize("why", ["another split", "other photos", "unfinished", "other paths"])
def test_all_else_is_measured(why: str, run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = measured_anew(monkeypatch)
    split, photos = ("validation" if why == "another split" else "test"), (tmp_path if why == "other photos" else None)
    run.epoch = 3 if why == "unfinished" else None
    if why == "other paths":
        pq.write_table(pa.table({"path": ["moved.jpg"]}), tmp_path / "evaluation" / "test" / "predictions.parquet")
    found = answered_by_run(run, split, photos)
    assert calls == [(photos, None if photos else split)]
    assert list(found.digests) == ["digest of a.jpg", "digest of x.jpg"]
    assert found.known.tolist() == [True, False]


def test_of_a_bundle_nobody_knows_what_it_was_trained_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = measured_anew(monkeypatch)
    chosen = {None: Classes.of(["bag"]), "shop": Classes.of(["hat", "bag"])}
    bundle: Any = SimpleNamespace(path=tmp_path, chosen=lambda name: SimpleNamespace(classes=chosen[name]))
    found = answered_by_bundle(bundle, tmp_path, "shop")
    assert calls == [(tmp_path, "shop")]
    assert (found.bundle, found.classes, found.known.tolist()) == (True, ("bag", "hat"), [False, False])


def photos(*labels: int) -> Measured:
    paths, digests = (Column(pa.array([f"{sign}{n}" for n in range(len(labels))])) for sign in "pd")
    rows = Rows(paths, np.array(labels, np.int64), digests)
    return Measured("test", rows, Path("x"), Account(len(labels), len(labels)), classes=Classes.of(["bag", "hat"]))


def test_labels_are_translated_by_name_and_what_the_others_lack_is_left_out() -> None:
    own, other = Classes.of(["bag", "hat", "sock"]), Classes.of(["cap", "hat", "shoe", "sock"])
    found = translated(photos(2, 0, 1, 2), own, other)
    assert found.rows.labels.tolist() == [3, 1, 3]
    assert list(found.rows.paths) == ["p0", "p2", "p3"]
    assert list(found.rows.digests) == ["d0", "d2", "d3"]
    assert found.classes is None, "its labels are the other's now"
    with pytest.raises(
        DataError, match="no test photo is of a class that all of them know; compare what has classes in"
    ):
        translated(photos(0, 0), own, other)
