"""What a review is opened with: a run, photos and their audit, answers that are there already."""

from __future__ import annotations

import inspect
import json
import sys
from pathlib import Path
from typing import Any

import pytest

import visionft
from visionft.cli import main
from visionft.cli.app import build_app
from visionft.data import read_suggestions
from visionft.errors import DataError, MissingExtraError, UsageError
from visionft.reviewing import AnswerFile
from visionft.workflows.review import opened, reviewed_photos


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def audited(place: Path, photos: Path, *findings: dict[str, Any]) -> Path:
    place.mkdir(parents=True)
    (place / "audit.json").write_text(json.dumps({"photos": str(photos), "findings": list(findings)}))
    return place


def label(path: str, proposed: str) -> dict[str, Any]:
    row = {"path": path, "action": "relabel", "value": proposed, "reason": "", "confidence": 0.9}
    return {"kind": "label", "words": "odd", "photos": [path], "confidence": 0.99, "figure": 0.01, "suggestions": [row]}


def test_photos_bring_what_their_audit_found(shapes: Path, here: Path) -> None:
    audited(here / "audits" / "shapes", shapes, label("disc/03.jpg", "square"), label("disc/gone.jpg", "square"))
    found = opened(shapes, here / "c.csv", flags={})
    assert len(found.cards) == 60
    assert found.classes == ["disc", "square", "stripes"]
    card = found.cards[0]
    assert (card.path, card.label, card.kind, card.proposed, card.sure) == (
        "disc/03.jpg", "disc", "label", "square", 0.9,
    )  # fmt: skip
    assert found.cards[1].kind == "rest"
    assert found.notes == ["audits/shapes names photos that are not among these, and are passed over: 1"]


def test_photos_without_an_audit_are_told_the_command(shapes: Path, here: Path) -> None:
    with pytest.raises(
        DataError, match=r"there is no audit at audits/shapes; make it with `visionft audit /.*/shapes`"
    ):
        opened(shapes, here / "c.csv", flags={})
    other = audited(here / "other", here / "elsewhere")
    with pytest.raises(DataError, match=r"other is the audit of .*elsewhere, not of .*shapes; audit these, or give"):
        opened(shapes, here / "c.csv", audit=other, flags={})


def test_a_run_brings_its_answers_on_photos_that_were_held_out(trained: Path, here: Path) -> None:
    run = visionft.Run.open(trained)
    found = opened(trained, here / "c.csv", flags={})
    assert found.name == f"the run {trained}"
    assert len(found.cards) == run.manifest().table.num_rows
    held_out = {path for side in ("test", "validation") for path in run.manifest().rows(side).paths}
    doubtful = [card for card in found.cards if card.kind != "rest"]
    assert doubtful
    assert {card.path for card in doubtful} <= held_out
    assert any("were not audited; `visionft audit" in note for note in found.notes)
    with pytest.raises(UsageError, match=r"is a run, which knows how its photos are read; leave data\.depth out"):
        opened(trained, here / "c.csv", flags={"data.depth": 1})


def test_answers_to_other_photos_are_said_or_refused(shapes: Path, trained: Path, here: Path) -> None:
    audited(here / "audits" / "shapes", shapes)
    file = AnswerFile(here / "c.csv")
    file.append("other/0.jpg", "drop", "", "", "ann")
    with pytest.raises(
        UsageError, match=r"--out: .*c.csv answers other photos \(1\) and none of these; name another file"
    ):
        opened(shapes, here / "c.csv", flags={})
    file.append("disc/00.jpg", "drop", "", "", "ann")
    assert opened(shapes, here / "c.csv", flags={}).notes == [
        f"{here}/c.csv also answers photos that are not among these: 1"
    ]
    with file.path.open("a") as torn:
        torn.write("disc/01.jpg,rel")
    assert "was cut off" in opened(shapes, here / "c.csv", flags={}).notes[0]


def test_python_and_the_command_line_have_the_same_names() -> None:
    given = inspect.signature(visionft.review).parameters.values()
    arguments = build_app()["review"].assemble_argument_collection()
    flags = {argument.name.removeprefix("--") for argument in arguments if argument.name[:2] == "--"}
    assert {name for name in flags if not name.startswith("data.")} - {"json"} == {
        parameter.name for parameter in given if parameter.kind is parameter.KEYWORD_ONLY
    } - {"say"}


def test_a_missing_extra_is_one_sentence(shapes: Path, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = sys.modules["visionft.workflows.review"]
    monkeypatch.setattr(module, "find_spec", lambda name: None if name == "uvicorn" else name)
    with pytest.raises(MissingExtraError, match=r'review needs uvicorn, not .*: .* `pip install "visionft\[serve\]"`'):
        visionft.review(shapes)


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["nowhere"], 1, "nowhere does not exist; give a run, or the photos that were audited"),
        (["SHAPES", "--port", "70000"], 2, "--port: 70000 is no port; give one from 0 to 65535"),
        (
            ["SHAPES", "--out", "x.txt"],
            2,
            "--out: x.txt is no corrections.csv, as its first line is mine; name another",
        ),
        (["SHAPES", "--epochs", "3"], 2, "review has no flag --epochs"),
        (["bundle"], 2, "bundle is a bundle, which brings no photos; give the run that it was exported from"),
    ],
)
def test_misuse_is_one_sentence(
    words: list[str], code: int, sentence: str, shapes: Path, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "x.txt").write_text("mine\n")
    audited(here / "audits" / "shapes", shapes)
    (here / "bundle").mkdir()
    (here / "bundle" / "bundle.json").write_text("{}")
    assert main(["review", *(str(shapes) if word == "SHAPES" else word for word in words)]) == code
    assert capsys.readouterr().err.startswith(f"visionft: {sentence}")


@pytest.mark.slow
def test_a_run_is_trained_again_as_people_answered(
    shapes: Path, trained: Path, small: dict[str, Any], here: Path
) -> None:
    file = AnswerFile(here / "corrections.csv")
    file.append("disc/00.jpg", "drop", "", "review: x", "ann")
    taken, _ = file.append("disc/01.jpg", "drop", "", "review: x", "ann")
    file.append("square/00.jpg", "relabel", "disc", "review: x", "bob")
    file.append("square/01.jpg", "confirm", "square", "review: x", "bob")
    file.undo("disc/01.jpg", taken.when, "ann")
    said: list[str] = []
    photos, run = reviewed_photos(trained)
    going_on = {name: value for name, value in small.items() if name not in ("backbone", "weights", "preprocess.size")}
    again = visionft.fit(photos, apply=file.path, from_run=run, out=here / "again", say=said.append, **going_on)
    record = json.loads((again.path / "data.json").read_text())["suggestions"]
    assert record["applied"] == {"confirm": 1, "drop": 1, "relabel": 1}
    assert record["sha256"] == read_suggestions(file.path).sha256
    assert any(line.startswith(f"following {file.path}: 1 drop, 1 relabel and 1 confirm") for line in said)
    table = again.manifest().table.to_pydict()
    labels = dict(zip(table["path"], table["label"], strict=True))
    assert "disc/00.jpg" not in labels
    assert (labels["disc/01.jpg"], labels["square/00.jpg"], labels["square/01.jpg"]) == ("disc", "disc", "square")
    file.append("stripes/00.jpg", "relabel", "bag", "", "ann")
    with pytest.raises(DataError, match="line 7 gives the class 'bag', which no photo has"):
        visionft.fit(photos, apply=file.path, out=here / "other", say=said.append, **small)
    # A confirmation in a later round keeps what the earlier one changed.
    later = opened(again.path, here / "corrections.csv", flags={})
    card = next(card for card in later.cards if card.path == "square/00.jpg")
    assert later.answer(card.number, "confirm", "", "ann")["answer"]["value"] == "disc"
