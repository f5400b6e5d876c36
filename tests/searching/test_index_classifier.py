"""`visionft predict INDEX`: rows as a classifier's, unknown photos, and classes that come by indexing a photo."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest

import visionft as vft
from tests.bundle.making import make_bundle
from tests.searching.making import catalogue, photo
from visionft.bundle.prediction_rows import COLUMNS
from visionft.cli import main
from visionft.errors import SearchIndexError, UsageError


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    make_bundle(tmp_path / "bundle")
    catalogue(tmp_path / "photos")
    monkeypatch.chdir(tmp_path)
    vft.index("bundle", "photos", out="i")
    return tmp_path


def test_the_rows_are_those_of_a_classifier(place: Path) -> None:
    (place / "broken.jpg").write_bytes(b"none")
    answers = vft.predict("i", ["photos/c1/0.png", "photos/c3/2.png", "broken.jpg"], out="answers.csv", top=2)
    assert isinstance(answers, vft.Predictions)
    assert [row.label for row in answers] == ["c1", "c3", None]
    assert answers.classes == ("c0", "c1", "c2", "c3")
    assert answers[0].probabilities is not None
    assert answers[0].probabilities.sum() == pytest.approx(1, abs=1e-5)
    assert answers[0].known_score == pytest.approx(1, abs=1e-5)
    with Path("answers.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == [*COLUMNS, "label_2", "probability_2"]
    assert "of 20 indexed photos, each asked without itself, " in str(answers)
    assert "unknown are photos whose nearest has a cosine below 0." in str(answers)


def test_what_is_far_from_every_photo_is_unknown(place: Path) -> None:
    strange, known = vft.predict("i", [photo(place / "strange.png", (3, 3, 250)), place / "photos/c0/0.png"])
    assert (strange.unknown, known.unknown) == (True, False)


def test_a_class_comes_with_a_photo_and_goes_with_it(place: Path) -> None:
    strange = photo(place / "photos" / "new" / "0.png", (3, 3, 250))
    vft.index("bundle", "photos", out="i")
    assert [row.label for row in vft.predict("i", strange)] == ["new"]
    shutil.rmtree(place / "photos" / "new")
    vft.index("bundle", "photos", out="i")
    answers = vft.predict("i", "photos/c0")
    assert answers.classes == ("c0", "c1", "c2", "c3")


def test_photos_without_a_class_do_not_vote(place: Path) -> None:
    rows = [f"photos/c{c}/{n}.png,{'' if n else f'c{c}'}" for c in range(4) for n in range(5)]
    (place / "m.csv").write_text("\n".join(["path,label", *rows]) + "\n")
    vft.index("bundle", "m.csv", out="few")
    answers = vft.predict("few", "photos/c2/3.png")
    assert answers.classes == ("c0", "c1", "c2", "c3")
    assert answers[0].label == "c2"
    assert answers[0].known_score is not None
    assert answers[0].known_score < 1 - 1e-6  # the photo itself is there, without a class


def test_refusals(place: Path) -> None:
    shutil.copytree("photos/c0", "plain")
    vft.index("bundle", "plain", out="unnamed")
    with pytest.raises(
        SearchIndexError, match="no photo of the index unnamed has a class to answer with; index photos"
    ):
        vft.predict("unnamed", "photos/c0/0.png")
    with pytest.raises(
        UsageError, match="i is an index, which answers by the model that made it; leave --adapter x out"
    ):
        vft.predict("i", "photos/c0/0.png", adapter="x")
    with pytest.raises(UsageError, match=r"--out: the answers of an index go into a file; give answers\.csv, \.jsonl"):
        vft.predict("i", "photos/c0/0.png", out="answers")
    with pytest.raises(UsageError, match="min_confidence"):
        vft.predict("i", "photos/nowhere.png", min_confidence=0.9)  # before a photo is looked for
    shutil.move("bundle", "elsewhere")
    with pytest.raises(SearchIndexError, match="which is not there any more; put it back"):
        vft.predict("i", "photos/c0/0.png")


def test_the_command(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["predict", "i", "photos/c2/1.png"]) == 0
    told = capsys.readouterr().out
    assert told.startswith("photos/c2/1.png  c2  ")
    assert "Next: visionft predict i photos/c2/1.png --out answers.csv" in told
    assert main(["predict", "i", "photos/c2/1.png", "--json"]) == 0
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (said["predictions"][0]["label"], said["vote"]["asked"]) == ("c2", 20)
    assert 0 < said["threshold"] < 1
