"""A column is a head, an empty cell is unknown, and what can be none is one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from visionft.data.prepare import list_photos
from visionft.errors import DataError
from visionft.settings import DataSettings
from visionft.tasks.multihead.label_columns import CELLS


def listed(folder: Path, text: str, columns: str) -> list[str]:
    place = folder / "photos.csv"
    place.write_text(text)
    return list_photos(place, DataSettings(label_column=columns), task="multihead").table["label"].to_pylist()


def test_columns_become_one_text_in_the_order_of_their_names(tmp_path: Path) -> None:
    text = "path,type,colour,price\na.jpg,shirt,red,1\nb.jpg,,blue,2\nc.jpg, dress ,,3\nd.jpg,,,4\n"
    assert listed(tmp_path, text, "type, colour,") == ["colour=red|type=shirt", "colour=blue", "type=dress"]


def test_one_column_may_have_a_comma_in_its_name() -> None:
    assert CELLS.columns("a,b", ("a,b",)) == ("a,b",)
    assert CELLS.columns("a, b,a,", ("a", "b")) == ("a", "b")
    assert CELLS.columns("a", ()) == ("a",)


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("path,a=b", "the column 'a=b' of .*photos.csv can be no head, with its '=' or '|': rename it"),
        ("path,problem", "the column 'problem' of .* can be no head, as answers have a column of that name"),
        ("path,a,a_label", "the column 'a_label' of .* can be no head, as answers have a column of that name"),
    ],
)
def test_a_column_that_can_be_no_head_is_one_sentence(header: str, words: str, tmp_path: Path) -> None:
    columns = header.partition(",")[2]
    with pytest.raises(DataError, match=words.replace("|", r"\|")):
        listed(tmp_path, f"{header}\nx.jpg{',y' * (header.count(','))}\n", columns)


def test_several_labels_in_a_cell_are_one_sentence(tmp_path: Path) -> None:
    words = r"has 'red\|blue' in the column 'colour' \(line 3\), and a head of the task multihead gives one label"
    with pytest.raises(DataError, match=words):
        listed(tmp_path, "path,colour,type\na.jpg,red,shirt\nb.jpg,red|blue,dress\n", "colour,type")
