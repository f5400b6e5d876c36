"""Tables of labels: between `|`, as lists, or a column each; what is none of them is a sentence with its line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from visionft.data.sources.manifest_table import column_values, read_manifest
from visionft.data.sources.memory_rows import memory_rows
from visionft.errors import DataError
from visionft.settings import DataSettings
from visionft.tasks.multilabel.label_cells import CELLS


def read(place: Path, column: str = "label") -> list[str]:
    settings = DataSettings(label_column=column)
    labels: list[str] = read_manifest(place, settings, cells=CELLS).table["label"].to_pylist()
    return labels


def written(place: Path, header: str, *rows: str) -> Path:
    place.write_text("\n".join([header, *(f"{at}.jpg,{row}" for at, row in enumerate(rows))]) + "\n")
    return place


def test_labels_stand_between_bars_and_an_empty_cell_has_none(tmp_path: Path) -> None:
    place = written(tmp_path / "a.csv", "path,label", "red|cotton", "", "?worn| red", '"cotton"')
    assert read(place) == ["cotton|red", "", "red|?worn", "cotton"]
    assert read_manifest(place, DataSettings(), cells=CELLS).quarantine == ()


def test_a_file_whose_own_fields_are_parted_by_bars_needs_quotes(tmp_path: Path) -> None:
    place = tmp_path / "a.csv"
    place.write_text('path|label\na.jpg|"red|cotton"\nb.jpg|\n')
    assert read(place) == ["cotton|red", ""]


def test_one_photo_twice_with_one_set_is_no_contradiction(tmp_path: Path) -> None:
    place = tmp_path / "a.csv"
    place.write_text("path,label\na.jpg,red|cotton\na.jpg,cotton|red\n")
    assert read(place) == ["cotton|red"]
    place.write_text("path,label\na.jpg,red|cotton\na.jpg,cotton\n")
    with pytest.raises(DataError, match=r"gives a.jpg more than one label \('cotton' and 'cotton\|red', lines 2 and 3"):
        read(place)


def test_a_column_a_label_knows_yes_no_and_nothing(tmp_path: Path) -> None:
    place = written(tmp_path / "a.csv", "path,red,cotton", "1,0", "True,1.0", "0,", ",false", "0.0,0")
    assert read(place, "red, cotton") == ["red", "cotton|red", "?cotton", "?red", ""]
    assert read(place, "red,") == ["red", "red", "", "?red", ""]


def test_lists_and_flags_in_parquet(tmp_path: Path) -> None:
    paths = [f"{at}.jpg" for at in range(4)]
    lists = [["red", "cotton"], [], None, ["?worn"]]
    flags = [True, False, None, True]
    numbers = [1.0, None, 0.0, 0.0]
    pq.write_table(pa.table({"path": paths, "label": lists, "red": flags, "new": numbers}), tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet") == ["cotton|red", "", "", "?worn"]
    assert read(tmp_path / "a.parquet", "red,new") == ["new|red", "?new", "?red", "red"]
    large = pa.table({"path": paths[:2], "label": pa.array([["a"], ["b"]], pa.large_list(pa.string()))})
    pq.write_table(large, tmp_path / "b.parquet")
    assert read(tmp_path / "b.parquet") == ["a", "b"]


def test_a_label_that_no_photo_has_is_said_aloud(tmp_path: Path) -> None:
    place = written(tmp_path / "a.csv", "path,red,cotton", "1,0", "0,0")
    notes = read_manifest(place, DataSettings(label_column="red,cotton"), cells=CELLS).notes
    assert notes == ("no photo of a.csv has the label 'cotton'",)


@pytest.mark.parametrize(
    ("column", "rows", "words"),
    [
        ("label", ("red", "red||cotton"), r"the labels 'red\|\|cotton' \(line 3\), and nothing stands beside one of"),
        ("label", ("red|?red",), r"\(line 2\), and it both has 'red' and does not know it: write labels between '\|'"),
        (
            "label",
            ("1", "0"),
            "the column 'label' of .* holds yes and no alone: a column that is a label is named with",
        ),
        ("label,", ("1", "maybe"), r"has 'maybe' in the column 'label' of a label \(line 3\): write 1 or true, 0 or"),
        ("label,size", ("1", "0"), "has no column 'size'"),
    ],
)
def test_what_says_nothing_is_one_sentence_with_its_line(
    tmp_path: Path, column: str, rows: tuple[str, ...], words: str
) -> None:
    with pytest.raises(DataError, match=words):
        read(written(tmp_path / "a.csv", "path,label", *rows), column)


@pytest.mark.parametrize("item", ["a|b", "", " ", None, 1.5])
def test_a_list_that_holds_no_label_is_one_sentence(tmp_path: Path, item: Any) -> None:
    kind = pa.list_(pa.float64() if isinstance(item, float) else pa.string())
    table = pa.table({"path": ["a.jpg", "b.jpg"], "label": pa.array([[], [item]], kind)})
    pq.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(DataError, match=r"the column 'label' of .* has a list with .* \(row 2\), which is no label"):
        read(tmp_path / "a.parquet")


def test_other_tasks_read_no_lists_and_no_several_columns(tmp_path: Path) -> None:
    pq.write_table(pa.table({"path": ["a.jpg"], "label": [["red"]]}), tmp_path / "a.parquet")
    with pytest.raises(DataError, match="neither text nor numbers"):
        read_manifest(tmp_path / "a.parquet", DataSettings())
    place = written(tmp_path / "a.csv", "path,red,cotton", "1,0")
    with pytest.raises(DataError, match="has no column 'red,cotton'"):
        read_manifest(place, DataSettings(label_column="red,cotton"))
    assert column_values(place, DataSettings(label_column="red,cotton"), "cotton") == {"0.jpg": "0"}


def test_lists_from_memory_are_labels_and_what_is_none_is_said() -> None:
    rows = [("a.jpg", ["red", "cotton"]), ("b.jpg", []), ("c.jpg", "red|?worn"), ("d.jpg", ("red",)), ("e.jpg", None)]
    found = memory_rows(rows, DataSettings(), CELLS).rows
    assert [row.label for row in found] == ["red|cotton", "", "red|?worn", "red", None]
    with pytest.raises(
        DataError, match=r"row 0 of photos has the label 'a\|b' in a list, which is none: give texts with"
    ):
        list(memory_rows([("a.jpg", ["a|b"])], DataSettings(), CELLS).rows)
    with pytest.raises(DataError, match="row 0 of photos has a label of type list; give text or a number"):
        list(memory_rows([("a.jpg", ["a", "b"])], DataSettings()).rows)  # of classes a photo has one


@pytest.mark.parametrize(
    "kept", [{"feature": {"names": ["red", "blue"], "_type": "ClassLabel"}, "_type": "List"}, None]
)
def test_lists_of_numbers_have_the_names_that_datasets_kept(tmp_path: Path, kept: Any) -> None:
    feature = kept or [{"names": ["red", "blue"], "_type": "ClassLabel"}]  # as its versions write it
    told = json.dumps({"info": {"features": {"label": feature}}})
    table = pa.table({"path": ["a.jpg", "b.jpg"], "label": [[1, 0], []]}).replace_schema_metadata({"huggingface": told})
    pq.write_table(table, tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet") == ["blue|red", ""]
    assert [row.label for row in memory_rows(table, DataSettings(), CELLS).rows] == ["blue|red", ""]
    wrong = table.set_column(1, "label", pa.array([[2], []])).replace_schema_metadata({"huggingface": told})
    pq.write_table(wrong, tmp_path / "b.parquet")
    with pytest.raises(DataError, match=r"has the class 2 in a list, and names for 0 to 1 alone: write it with the"):
        read(tmp_path / "b.parquet")
