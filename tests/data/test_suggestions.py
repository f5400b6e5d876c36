from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from visionft.data.sources.listing import COLUMNS, Listing
from visionft.data.suggestions import Suggestion, apply_suggestions, read_suggestions, to_csv
from visionft.errors import DataError

ROWS = [("hat/a.jpg", "hat"), ("hat/b.jpg", "hat"), ("cap/c.jpg", "cap"), ("=d.jpg", "cap")]


@pytest.fixture
def listing(tmp_path: Path) -> Listing:
    rows = [{"path": path, "label": label, "split": None, "group": None} for path, label in ROWS]
    return Listing(tmp_path, pa.Table.from_pylist(rows, schema=COLUMNS))


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "suggestions.csv"
    path.write_text(text)
    return path


def applied(listing: Listing, tmp_path: Path, text: str) -> Listing:
    return apply_suggestions(listing, read_suggestions(written(tmp_path, text)))


def test_rows_come_back_as_they_were_written(tmp_path: Path) -> None:
    rows = [Suggestion("=d.jpg", "relabel", "a, b", 'label: "x"\nand y', 0.25), Suggestion("e", "drop")]
    read = read_suggestions(written(tmp_path, to_csv(rows)))
    assert [(r.path, r.action, r.value, r.reason) for r in read.rows] == [
        ("=d.jpg", "relabel", "a, b", 'label: "x"\nand y'), ("e", "drop", "", ""),
    ]  # fmt: skip
    assert "'=d.jpg" in read.path.read_text()


def test_every_action_does_what_it_says(listing: Listing, tmp_path: Path) -> None:
    rows = ["path,action,value,reason", "'=d.jpg,relabel,hat,", "hat/a.jpg,keep-one,hat/b.jpg,copy: same"]
    text = "\n".join([*rows, "hat/b.jpg,group,g1,", "cap/c.jpg,review,,"])
    found = applied(listing, tmp_path, text)
    assert found.table.select(["path", "label", "group"]).to_pylist() == [
        {"path": "hat/b.jpg", "label": "hat", "group": "g1"},
        {"path": "cap/c.jpg", "label": "cap", "group": None},
        {"path": "=d.jpg", "label": "hat", "group": None},
    ]
    assert [(q.path, q.reason) for q in found.quarantine] == [("hat/a.jpg", "left out by suggestions.csv: copy")]
    assert listing.table.num_rows == 4


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("path,action\nhat/a.jpg,drop\nnone.jpg,drop\n", r"names 1 photo that PHOTOS .*: line 3 \(none.jpg\)"),
        ("path,action\nhat/a.jpg,delete\n", r"line 2 asks for 'delete'; give one of drop, keep-one, relabel"),
        ("path,action,value\nhat/a.jpg,relabel,\n", "line 2 has no value, which relabel needs"),
        ("path,action,value\nhat/a.jpg,relabel,bag\n", "line 2 gives the class 'bag', which no photo has"),
        ("path,action,value\nhat/a.jpg,keep-one,x.jpg\n", "line 2 keeps x.jpg, which PHOTOS does not have"),
        ("path,action,value\nhat/a.jpg,keep-one,hat/b.jpg\nhat/b.jpg,drop,\n", "2 leaves hat/a.jpg out for hat/b.jpg"),
        ("path,action,value\nhat/a.jpg,drop,\nhat/a.jpg,relabel,cap\n", "drop in line 2 and for relabel in line 3"),
        ("photo,what\n", "has no column path and action"),
    ],
)  # fmt: skip
def test_what_cannot_be_followed_is_refused_by_its_line(
    listing: Listing, tmp_path: Path, text: str, words: str
) -> None:
    with pytest.raises(DataError, match=words):
        applied(listing, tmp_path, text)


def test_a_file_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"--apply: .*none.csv cannot be read \(no such file\); give the suggestions.csv"
    ):
        read_suggestions(tmp_path / "none.csv")


def test_a_photo_that_is_set_aside_already_may_be_named(listing: Listing, tmp_path: Path) -> None:
    from dataclasses import replace

    from visionft.photos import Quarantined

    aside = replace(listing, quarantine=(Quarantined("hat/torn.jpg", "truncated"),))
    assert applied(aside, tmp_path, "path,action\nhat/torn.jpg,drop\n").table.num_rows == 4


LOG = "path,action,value,reason,confidence,who,when\n"


def logged(*rows: str) -> str:
    return LOG + "".join(f"{row},ann,2026-11-29T10:00:0{at}.000000Z\n" for at, row in enumerate(rows))


def test_of_a_log_the_last_answer_stands_and_what_was_taken_back_does_not(listing: Listing, tmp_path: Path) -> None:
    text = logged(
        "hat/a.jpg,drop,,review: x,1", "hat/a.jpg,relabel,cap,,1", "hat/b.jpg,drop,,,1", "cap/c.jpg,confirm,hat,,1",
        "hat/b.jpg,undo,2026-11-29T10:00:02.000000Z,,1", "'=d.jpg,review,,,1",
    )  # fmt: skip
    read = read_suggestions(written(tmp_path, text))
    assert [(row.path, row.action, row.who, row.line) for row in read.rows] == [
        ("hat/a.jpg", "relabel", "ann", 3), ("cap/c.jpg", "confirm", "ann", 5), ("=d.jpg", "review", "ann", 7),
    ]  # fmt: skip
    assert read.to_json()["applied"] == {"confirm": 1, "relabel": 1, "review": 1}
    assert "1 relabel and 1 confirm; 1 to review, which changes nothing" in str(read)
    labels = apply_suggestions(listing, read).table.select(["path", "label"]).to_pylist()
    assert {row["path"]: row["label"] for row in labels} == {
        "hat/a.jpg": "cap", "hat/b.jpg": "hat", "cap/c.jpg": "hat", "=d.jpg": "cap",
    }  # fmt: skip


def test_a_line_of_a_log_that_was_cut_off_is_left_out_and_said(tmp_path: Path) -> None:
    whole = logged("hat/a.jpg,drop,,,1")
    torn = read_suggestions(written(tmp_path, whole + "hat/b.jpg,relabel,ca"))
    assert [row.path for row in torn.rows] == ["hat/a.jpg"]
    assert str(torn).endswith("1 drop; its last line is cut off and left out")
    assert torn.sha256 == read_suggestions(written(tmp_path, whole)).sha256


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("hat/a.jpg,confirm,bag,,1", "line 2 gives the class 'bag', which no photo has; give one of cap and hat"),
        ("hat/a.jpg,undo,2020,,1", "line 2 takes back an answer of 2020, which is not there; take the row out"),
        ("none.jpg,drop,,,1", r"names 1 photo that PHOTOS does not have: line 2 \(none.jpg\)"),
    ],
)
def test_what_cannot_be_followed_of_a_log_is_refused_by_its_line(
    listing: Listing, tmp_path: Path, row: str, words: str
) -> None:
    with pytest.raises(DataError, match=words):
        applied(listing, tmp_path, logged(row))


def test_an_undo_belongs_into_a_log_alone(listing: Listing, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="line 2 asks for 'undo'; give one of drop, keep-one, relabel, confirm"):
        applied(listing, tmp_path, "path,action,value\nhat/a.jpg,undo,1\n")
