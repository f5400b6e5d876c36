"""`visionft predict` and `vft.predict`: exit codes, words and files, the same for a run and for a bundle."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from PIL import Image

import visionft as vft
from tests.bundle.making import make_bundle
from visionft.cli import main
from visionft.errors import DataError, UsageError
from visionft.serving import predict_bundle

COLOURS = {"red": (220, 20, 20), "green": (20, 220, 20), "blue": (20, 20, 220)}


class Told(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    make_bundle(tmp_path / "bundle")
    (tmp_path / "photos").mkdir()
    for name, colour in COLOURS.items():
        Image.new("RGB", (6, 5), colour).save(tmp_path / "photos" / f"{name}.png")
    (tmp_path / "photos" / "empty.jpg").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Callable[..., Told]:
    def told(*arguments: str) -> Told:
        capsys.readouterr()
        return Told(main(["predict", *arguments]), *capsys.readouterr())

    return told


def rows(path: str) -> list[dict[str, str]]:
    with Path(path).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_what_a_folder_holds_and_cannot_be_read_is_said_and_no_failure(place: Path, call: Callable[..., Told]) -> None:
    found = call("bundle", "photos", "--out", "a.csv")
    assert (found.code, found.err) == (0, "")
    assert "photos/empty.jpg  not read: empty file\nphotos/green.png" in found.out
    assert "3 photos answered, 1 of 4 not read\n" in found.out
    assert [row["path"] for row in rows("a.csv")] == sorted(map(str, Path("photos").iterdir()))
    assert [row["problem"] for row in rows("a.csv")] == ["", "empty file", "", ""]


def test_a_named_photo_that_cannot_be_read_is_a_failure_once_the_rest_is_answered(
    place: Path, call: Callable[..., Told]
) -> None:
    asked = ["photos/red.png", "nowhere.jpg", "photos/empty.jpg", "photos/blue.png", "photos/red.png"]
    found = call("bundle", *asked, "--out", "a.csv")
    assert found.code == 1
    assert found.err == (
        "visionft: 2 photos that you named could not be read, first nowhere.jpg (no such file); mend them or leave "
        "them out, the rest is answered\n"
    )
    assert "3 photos answered, 2 of 5 not read\n" in found.out
    assert [row["path"] for row in rows("a.csv")] == asked
    assert [row["label"] for row in rows("a.csv")] == ["red/Äpfel", "", "", "blue", "red/Äpfel"]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (
            "photos/empty.jpg",
            r"a photo that you named could not be read: photos/empty.jpg (empty file); mend it or give other photos",
        ),
        (
            "photos/empty.jpg texts/a.txt",
            r"2 photos that you named could not be read, first photos/empty.jpg (empty file); mend them or give other",
        ),
        (
            "photos *.gif",
            r"a photo that you named could not be read: *.gif (a pattern that matches nothing); mend it or leave it",
        ),
        ("photos bare", r"a photo that you named could not be read: bare (a folder that holds no photo); mend it or"),
        ("nowhere.jpg gone.jpg", r"nowhere.jpg does not exist; give photos, folders of photos or globs"),
        ("bare", r"bare holds or matches no photo; give the path of a photo, of a folder of photos, or a pattern"),
        ("texts", r"no photo could be read, of 1, first texts/a.txt (not an image"),
        ("- -", r"- is given 2 times; standard input can be read once"),
    ],
)
def test_failures_are_one_sentence(place: Path, call: Callable[..., Told], asked: str, words: str) -> None:
    for folder in ("bare", "texts"):
        (place / folder).mkdir()
    (place / "texts" / "a.txt").write_text("no photo", encoding="utf-8")
    found = call("bundle", *asked.split())
    assert found.code == (2 if asked == "- -" else 1)
    assert found.err.startswith(f"visionft: {words}")
    assert found.err.count("\n") == 1


@pytest.mark.parametrize("out", ["file/a.csv", "folder.csv", "a.xlsx", "x" * 260 + ".csv"])
def test_the_place_for_the_answers_is_tried_before_the_work(
    place: Path, call: Callable[..., Told], out: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place / "file").touch()
    (place / "folder.csv").mkdir()
    before = sorted(place.rglob("*"))

    def work(*_: Any, **__: Any) -> None:
        raise AssertionError("the place was not tried")

    monkeypatch.setattr(predict_bundle, "Engine", work)
    found = call("bundle", "photos", "--out", out)
    assert found.code == 2
    words = ("cannot be written to", "does not end in .csv, .jsonl, .parquet", "lies below a file", "longer than the")
    assert any(each in found.err for each in words), found.err
    assert sorted(place.rglob("*")) == before


def test_standard_input_names_paths_one_a_line(
    place: Path, call: Callable[..., Told], monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = os.fsdecode(b"caf\xe9 [1]*.png")
    shutil.copy("photos/blue.png", odd)
    lines = b"photos/red.png\r\n\ncaf\xe9 [1]*.png\nphotos/*.png\nphotos"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(lines)))
    found = call("bundle", "photos/green.png", "-", "photos/blue.png", "--out", "a.jsonl")
    assert found.code == 1
    assert "a photo that you named could not be read: photos/*.png (no such file)" in found.err  # a line is no pattern
    answers = [json.loads(line) for line in Path("a.jsonl").read_text(encoding="utf-8").splitlines()]
    folder = sorted(map(str, Path("photos").iterdir()))
    names = ["photos/green.png", "photos/red.png", r"caf\xe9 [1]*.png", "photos/*.png", *folder, "photos/blue.png"]
    assert [row["path"] for row in answers] == names
    assert [row["label"] for row in answers[:4]] == ["green", "red/Äpfel", "blue", None]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "standard input names no photo; give one path a line, as `find` and `ls` do"),
        (b"\n\r\n", "standard input names no photo; give one path a line, as `find` and `ls` do"),
        (b"\0" * 40_000, "standard input has a line of over 32,768 bytes; give one path of a photo a line"),
    ],
)
def test_standard_input_without_paths(
    place: Path, call: Callable[..., Told], monkeypatch: pytest.MonkeyPatch, data: bytes, words: str
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    assert call("bundle", "-", "--out", "a.csv")[::2] == (1, f"visionft: {words}\n")
    assert not Path("a.csv").exists()


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("photos --ot a.csv", "predict has no flag --ot; did you mean --out?"),
        ("--ot=a.csv photos", "predict has no flag --ot; did you mean --out?"),
        ("photos -x.png", "predict has no flag -x.png; `visionft predict --help` shows what it takes"),
    ],
)
def test_a_flag_that_is_none_is_no_photo(place: Path, call: Callable[..., Told], asked: str, words: str) -> None:
    assert call("bundle", *asked.split())[::2] == (2, f"visionft: {words}\n")


def test_a_photo_whose_name_begins_like_a_flag(place: Path, call: Callable[..., Told]) -> None:
    shutil.copy("photos/blue.png", "-x.png")
    for asked in (["-x.png"], ["--", "-x.png"], ["./-x.png"]):
        assert "x.png  blue" in call("bundle", *asked).out


def test_the_json_line_has_the_account_and_a_row_for_everything(place: Path, call: Callable[..., Told]) -> None:
    found = call("bundle", "photos", "gone.png", "--json", "--top", "2")
    assert found.code == 1
    said = json.loads(found.out.splitlines()[-1])
    assert said["error"].startswith("a photo that you named could not be read: gone.png")
    assert found.out.count('"error"') == 1
    assert (said["asked"], said["answered"], said["quarantined"]) == (5, 3, 2)
    assert said["account"]["reasons"] == {"empty file": 1, "no such file": 1}
    assert [row["problem"] for row in said["predictions"]] == [None, "empty file", None, None, "no such file"]
    assert said["predictions"][0]["label"] == "blue"
    assert said["predictions"][1]["label_2"] is None


def test_standard_input_that_is_closed_or_a_folder(place: Path, call: Callable[..., Told], monkeypatch: Any) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    words = "visionft: standard input names no photo; give one path a line, as `find` and `ls` do\n"
    assert call("bundle", "-")[::2] == (1, words)

    class Folder(io.BytesIO):
        def readline(self, *_: Any) -> bytes:
            raise IsADirectoryError(21, "Is a directory")

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(Folder()))
    words = "visionft: standard input cannot be read (Is a directory); give one path of a photo a line\n"
    assert call("bundle", "-")[::2] == (1, words)


def test_the_answers_may_go_into_the_folder_that_is_asked_about(place: Path, call: Callable[..., Told]) -> None:
    asked = sorted(map(str, Path("photos").iterdir()))
    assert call("bundle", "photos", "--out", "photos/a.csv").code == 0
    assert [row["path"] for row in rows("photos/a.csv")] == asked


def test_a_real_process_reads_a_list_and_writes_the_answers(place: Path) -> None:
    paths = b"photos/red.png\nphotos/empty.jpg\nphotos/blue.png\n"
    done = subprocess.run(
        [sys.executable, "-m", "visionft", "predict", "bundle", "-", "--out", "new/a.csv"],
        input=paths, capture_output=True, check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert done.stderr.decode() == (
        "visionft: a photo that you named could not be read: photos/empty.jpg (empty file); mend it or leave it out, "
        "the rest is answered\n"
    )
    assert [row["label"] for row in rows("new/a.csv")] == ["red/Äpfel", "", "blue"]
    assert [path.name for path in Path("new").iterdir()] == ["a.csv"]


def test_a_run_and_a_bundle_write_the_same_rows(place: Path, trained: Path) -> None:
    asked = [place / "photos", np.zeros((4, 4, 3), np.uint8), place / "photos" / "red.png", "gone.jpg"]
    tables = [
        vft.predict(subject, asked, top=2, out=f"{n}.csv") for n, subject in enumerate((place / "bundle", trained))
    ]
    for by_bundle, by_run in zip(*(table.to_rows() for table in tables), strict=True):
        assert list(by_bundle) == list(by_run)
        assert (by_bundle["path"], by_bundle["problem"]) == (by_run["path"], by_run["problem"])
        kinds = [{name: type(value) for name, value in row.items()} for row in (by_bundle, by_run)]
        assert kinds[0] == kinds[1]
    assert list(rows("0.csv")[0]) == list(rows("1.csv")[0])


def test_a_list_never_raises_for_its_photos_and_one_place_does(place: Path) -> None:
    found = vft.predict("bundle", ["gone.jpg", None, "photos/red.png"])  # type: ignore[list-item]
    assert [row.problem for row in found][:2] == [
        "no such file",
        "a value of type NoneType: give a path, a file's bytes, an open file, a picture of PIL or an array of uint8",
    ]
    assert found[2].label == "red/Äpfel"
    with pytest.raises(DataError, match=r"gone\.jpg holds or matches no photo; give the path of a photo"):
        vft.predict("bundle", "gone.jpg")
    assert len(vft.predict("bundle", [])) == 0


def test_python_tries_the_place_and_top_before_the_work(place: Path) -> None:
    with pytest.raises(UsageError, match=r"answers cannot be written to a\.xls: give a name that ends in \.csv"):
        vft.predict("bundle", "photos", out="a.xls")
    with pytest.raises(UsageError, match="top is 0: give the number of labels for each photo, from 1 up"):
        vft.predict("bundle", "photos", top=0)
