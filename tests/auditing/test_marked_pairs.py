"""Pairs that a person has called no duplicates, as a table and back."""

from __future__ import annotations

from pathlib import Path

import pytest

from visionft.auditing.marked_pairs import Pair, read_pairs, to_csv
from visionft.errors import DataError

PAIRS: list[Pair] = [("a.jpg", "b, c.jpg"), ("=sum.jpg", 'ü/"quoted".jpg')]


def written(folder: Path, text: str) -> Path:
    file = folder / "pairs.csv"
    file.write_text(text, encoding="utf-8")
    return file


def test_what_is_written_is_read_back_whatever_the_names(tmp_path: Path) -> None:
    assert read_pairs(written(tmp_path, to_csv(PAIRS))) == set(PAIRS)
    assert "\n=sum" not in to_csv(PAIRS), "a spreadsheet computes nothing"


def test_the_likeness_is_a_third_column_that_is_not_read(tmp_path: Path) -> None:
    text = to_csv(PAIRS, [0.98765, 0.5])
    assert text.splitlines()[0] == "first,second,likeness"
    assert text.splitlines()[1].endswith(",0.988")
    assert read_pairs(written(tmp_path, text)) == set(PAIRS)


def test_a_pair_is_one_whichever_comes_first(tmp_path: Path) -> None:
    assert read_pairs(written(tmp_path, "second,first\na,b\nb,a\n")) == {("a", "b")}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,b\n", "has no column first and second; give rows of near_duplicates.csv with its header"),
        ("first,other\na,b\n", "has no column second; give"),
        ("first,second\na,b\na,x\n", "line 3 names 'x', which PHOTOS does not have; mend the row, or take it out"),
    ],
)
def test_a_faulty_table_is_one_sentence(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(DataError, match=f"^--not-duplicates: .*{words}"):
        read_pairs(written(tmp_path, text), known=["a", "b"])


def test_what_is_no_table_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "pairs.csv").write_bytes(b"\xff\xfe\x00")
    for place, kind in ((tmp_path / "pairs.csv", "UnicodeDecodeError"), (tmp_path / "none.csv", "FileNotFoundError")):
        with pytest.raises(DataError, match=rf"cannot be read \({kind}\); give a CSV file"):
            read_pairs(place)
