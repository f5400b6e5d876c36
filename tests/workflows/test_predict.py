"""What a prediction is asked, and by whom it is answered."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.bundle.making import make_bundle
from visionft.errors import RunError, UsageError
from visionft.workflows import predict


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return make_bundle(tmp_path / "b")


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    Image.fromarray(np.full((5, 6, 3), (0, 0, 250), np.uint8)).save(tmp_path / "blue.png")
    return tmp_path / "blue.png"


def test_photos_of_every_kind_are_rows_in_their_order(bundle: Path, photo: Path) -> None:
    found = predict(bundle, [photo, photo.read_bytes(), "gone.jpg", np.full((4, 4, 3), (250, 0, 0), np.uint8)])
    assert [row.label for row in found] == ["blue", "blue", None, "red/Äpfel"]
    assert found[2].problem == "no such file"


def test_a_file_has_the_rows_and_further_labels(bundle: Path, photo: Path, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    found = predict(bundle, photo, out=tmp_path / "new" / "a.csv", top=2, on_progress=lambda *part: seen.append(part))
    with (tmp_path / "new" / "a.csv").open(newline="") as file:
        [row] = csv.DictReader(file)
    assert row["label"] == found[0].label == "blue"
    assert "green" in row.values() or "red/Äpfel" in row.values()
    assert seen[-1] == (1, 1)


@pytest.mark.parametrize("top", [0, -3])
def test_fewer_labels_than_one_are_refused_before_the_place_is_looked_at(bundle: Path, photo: Path, top: int) -> None:
    with pytest.raises(UsageError, match=f"^top is {top}: give the number of labels for each photo, from 1 up"):
        predict(bundle, photo, top=top, out="a.xyz")


def test_the_place_is_tried_before_the_work(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "a.csv").mkdir()
    with pytest.raises(UsageError, match=r"answers cannot be written to .*a\.csv"):
        predict(bundle, "gone.jpg", out=tmp_path / "a.csv")


def test_what_a_run_and_a_bundle_do_not_have_is_said(trained: Path, bundle: Path, photo: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a run, which answers by itself; leave --adapter x out"):
        predict(trained, photo, adapter="x")
    with pytest.raises(UsageError, match="adapter"):
        predict(bundle, photo, adapter="x")
    with pytest.raises(RunError, match="there is no run or bundle at"):
        predict(tmp_path / "gone", photo)
    with pytest.raises(UsageError):
        predict(bundle, photo, engine="ray")
