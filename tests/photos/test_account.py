from __future__ import annotations

from pathlib import Path

import pytest

from tests.data.conftest import draw
from visionft.classes import Classes
from visionft.data import label_photos, prepare
from visionft.photos import Account, Quarantined
from visionft.settings import DataSettings


def left(number: int, reason: str = "empty file") -> tuple[Quarantined, ...]:
    return tuple(Quarantined(f"hat/{i}.jpg", reason) for i in range(number))


def test_account_that_does_not_add_up_is_no_account() -> None:
    with pytest.raises(ValueError, match="72 asked for, 58 measured, 13 left out"):
        Account(72, 58, left(13))


def test_account_is_loud_above_a_hundredth_or_with_a_lost_class() -> None:
    assert not Account(200, 198, left(2)).is_loud
    assert Account(199, 197, left(2)).is_loud
    assert Account(1000, 999, left(1), lost_classes=("hat",)).is_loud
    assert not Account(10, 10).is_loud


def test_words_have_both_counts_the_reasons_and_the_first_files() -> None:
    account = Account(72, 57, (*left(14), Quarantined("shoes/a.jpg", "no such file")), lost_classes=("hat",))
    assert str(account) == (
        "72 photos asked for, 57 measured, 15 left out (14 empty file, 1 no such file): "
        "hat/0.jpg, hat/1.jpg, hat/2.jpg and 12 more; no photo is left of hat"
    )
    assert str(Account(1, 1)) == "1 photo asked for, all measured"


def test_json_has_every_photo_left_out() -> None:
    record = Account(3, 1, left(2), seen=1).to_json()
    assert (record["asked"], record["measured"], record["seen_in_training"]) == (3, 1, 1)
    assert record["left_out"] == [{"path": f"hat/{i}.jpg", "reason": "empty file"} for i in range(2)]
    assert record["reasons"] == {"empty file": 2}


HEADLESS = "14 of 72 photos left out"


def test_headline_says_what_is_missing_where_it_is_loud() -> None:
    assert Account(72, 58, left(14)).headline == HEADLESS
    assert Account(72, 58, left(14), lost_classes=("hat",)).headline == f"{HEADLESS}, no photo of hat"
    assert Account(200, 198, left(2)).headline == ""


def test_brief_is_the_same_without_the_list() -> None:
    account = Account(3, 1, left(2), ("hat",), seen=1)
    assert account.brief() == {name: value for name, value in account.to_json().items() if name != "left_out"}


@pytest.mark.parametrize("name", ["Thumbs.db", ".DS_Store", "notes.txt", "a.json", "empty.txt", "labels"])
def test_files_that_are_no_photos_were_not_asked_for(name: str, tmp_path: Path) -> None:
    """The reasons are those that reading a folder really gives."""
    assert not passed_over(tmp_path, name, b"" if "empty" in name else b'{"a": 1}').left_out


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jpg", b""),
        ("a.jpg", b"text"),
        ("a", b""),
        ("a.JPG", b"<html>"),
        ("b.png", b"\x89PNG\r\n\x1a\nxx"),
        ("a.txt", b"\xff\xd8\xff"),
    ],
)
def test_photos_that_cannot_be_read_were_asked_for(name: str, content: bytes, tmp_path: Path) -> None:
    account = passed_over(tmp_path, name, content)
    assert [item.path for item in account.left_out] == [f"hat/{name}"]
    assert (account.asked, account.measured) == (21, 20)


def passed_over(folder: Path, name: str, content: bytes) -> Account:
    for kind in ("hat", "cap"):
        for number in range(10):
            draw(folder / kind / f"{number}.png", seed=number + 10 * (kind == "hat"))
    (folder / "hat" / name).write_bytes(content)
    manifest = prepare(folder, DataSettings())
    assert [item.path for item in manifest.quarantine] == [f"hat/{name}"]
    return manifest.account


def test_every_row_of_a_table_was_asked_for(tmp_path: Path) -> None:
    draw(tmp_path / "a.png", seed=0)
    (tmp_path / "notes.txt").write_text("no photo")
    (tmp_path / "photos.csv").write_text("path,label\na.png,hat\nnotes.txt,hat\na.png,hat\n,hat\ngone.png,cap\n")
    account = label_photos(tmp_path / "photos.csv", Classes.of(["cap", "hat"]), DataSettings()).account
    assert (account.asked, account.measured, account.lost_classes) == (5, 1, ("cap",))
    assert account.reasons == {
        "no path in the manifest": 1,
        "repeats an earlier row of the manifest": 1,
        "not an image (JPEG, PNG, WebP, AVIF, HEIC, JPEG 2000, GIF, TIFF and BMP are read)": 1,
        "no such file": 1,
    }


def test_rows_of_a_side_that_is_not_measured_were_not_asked_for(tmp_path: Path) -> None:
    draw(tmp_path / "a.png", seed=0)
    rows = "a.png,hat,test\nb.png,,train\nc.png,,test\nd.png,hat,train\n"
    (tmp_path / "photos.csv").write_text(f"path,label,split\n{rows}")
    manifest = label_photos(tmp_path / "photos.csv", Classes.of(["hat"]), DataSettings())
    assert [(item.path, item.reason) for item in manifest.account.left_out] == [("c.png", "no label in the manifest")]
    assert manifest.notes == (
        f"{tmp_path / 'photos.csv'} brings splits: its test photos alone are measured on, not the 1 of train",
    )
