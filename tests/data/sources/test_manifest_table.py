from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from visionft.data.sources.manifest_table import read_manifest
from visionft.errors import DataError
from visionft.photos import Quarantined
from visionft.settings import DataSettings


def write(folder: Path, text: str, name: str = "photos.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def rows(path: Path, **settings: Any) -> list[tuple[str | None, ...]]:
    table = read_manifest(path, DataSettings(**settings)).table
    return [tuple(row.values()) for row in table.to_pylist()]


def test_path_label_split_and_group_are_read(tmp_path: Path) -> None:
    path = write(tmp_path, "path,label,split,group\nb.jpg,hat,valid,S1\na.jpg,cap,Train,\n")
    assert rows(path) == [("a.jpg", "cap", "train", None), ("b.jpg", "hat", "validation", "S1")]


def test_split_and_group_may_be_absent(tmp_path: Path) -> None:
    assert rows(write(tmp_path, "label,path\nhat,a.jpg\n")) == [("a.jpg", "hat", None, None)]


def test_parquet_and_numbers_as_labels_are_read(tmp_path: Path) -> None:
    path = tmp_path / "photos.parquet"
    pq.write_table(pa.table({"path": ["a.jpg", "b.jpg"], "label": [3, 12], "group": [1, None]}), path)
    assert rows(path) == [("a.jpg", "3", None, "1"), ("b.jpg", "12", None, None)]


def test_columns_may_have_other_names(tmp_path: Path) -> None:
    path = write(tmp_path, "file,kind\na.jpg,hat\n")
    assert rows(path, path_column="file", label_column="kind") == [("a.jpg", "hat", None, None)]


def test_a_label_may_be_called_na_or_null_or_look_like_a_number(tmp_path: Path) -> None:
    path = write(tmp_path, "path,label\na.jpg,NA\nb.jpg,null\nc.jpg,007\n")
    assert [row[1] for row in rows(path)] == ["NA", "null", "007"]


def test_semicolons_a_byte_order_mark_and_backslashes_are_read(tmp_path: Path) -> None:
    path = write(tmp_path, "\ufeffpath;label\nimg\\a.jpg; hat \n./img/b.jpg;cap\n")
    assert rows(path) == [("img/a.jpg", "hat", None, None), ("img/b.jpg", "cap", None, None)]


def test_absolute_paths_below_the_manifest_become_relative(tmp_path: Path) -> None:
    path = write(tmp_path, f"path,label\n{tmp_path}/in/a.jpg,hat\n/elsewhere/b.jpg,cap\n")
    assert [row[0] for row in rows(path)] == ["/elsewhere/b.jpg", "in/a.jpg"]


def test_products_by_parent_folder(tmp_path: Path) -> None:
    path = write(tmp_path, "path,label,group\nS1/a.jpg,hat,x\nb.jpg,hat,x\n")
    assert [row[3] for row in rows(path, group_by="parent")] == ["S1", None]
    assert [row[3] for row in rows(path, group_by="none")] == [None, None]


def test_rows_without_path_or_label_go_to_quarantine(tmp_path: Path) -> None:
    listing = read_manifest(write(tmp_path, "path,label\na.jpg,hat\nb.jpg,\n,cap\n"), DataSettings())
    assert [(item.path, item.reason) for item in listing.quarantine] == [
        ("b.jpg", "no label in the manifest"),
        ("line 4", "no path in the manifest"),
    ]


def test_a_repeated_row_is_left_out_with_its_reason(tmp_path: Path) -> None:
    listing = read_manifest(write(tmp_path, "path,label\na.jpg,hat\nb.jpg,cap\n./a.jpg,hat\n"), DataSettings())
    assert listing.table["path"].to_pylist() == ["a.jpg", "b.jpg"]
    assert listing.quarantine == (Quarantined("a.jpg", "repeats an earlier row of the manifest"),)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "path,lable\na.jpg,hat\n",
            "no column 'label' .it has path and lable.; did you mean 'lable'.: rename one .*--data.label-column",
        ),
        (
            "image,label\na.jpg,hat\n",
            r"no column 'path' \(it has image and label\): rename one to 'path', or \(fit, advise, audit and index\) "
            r"name another with --data\.path-column$",
        ),
        (
            "hats/a.JPG,hat\nhats/b.jpg,hat\n",
            r"has no header: its first line names the photo 'hats/a\.JPG'; put a line with the names of its columns "
            r"above it, such as path,label$",
        ),
        ("hat,a.png\nhat,b.png\n", r"its first line names the photo 'a\.png'.* such as label,path$"),
        (
            "path,label,split\na.jpg,hat,dev\nb.jpg,hat,mine\n",
            "names the split 'mine' .line 3.: use train, validation .val, valid. or test",
        ),
        ("path,label,split\na.jpg,hat,train\nb.jpg,hat,\n", "leaves the split of 1 row empty .line 3 first."),
        (
            "path,label\na.jpg,hat\na.jpg,cap\n",
            "gives a.jpg more than one label .'cap' and 'hat', lines 2 and 3.: keep one",
        ),
        ("path,label,split\na.jpg,hat,train\na.jpg,hat,test\n", "gives a.jpg more than one split"),
        ("path,label,label\na.jpg,hat,cap\n", "more than one column 'label'"),
        ("path,label\n", "names no photos"),
        ("", r"cannot be read \(it is empty\): give it one row a photo"),
        ("\n \n", r"cannot be read \(it is empty\)"),
    ],
)
def test_a_faulty_manifest_is_one_sentence(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(DataError, match=words) as caught:
        read_manifest(write(tmp_path, text), DataSettings())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "side"),
    [
        ("dev", "validation"),
        ("eval", "validation"),
        ("Evaluation", "validation"),
        ("Testing", "test"),
        ("holdout", "test"),
        ("hold-out", "test"),
        ("Training", "train"),
        ("test_set", "test"),
    ],
)
def test_a_split_may_be_called_what_a_folder_may(tmp_path: Path, name: str, side: str) -> None:
    path = write(tmp_path, f"path,label,split\na.jpg,hat,{name}\nb.jpg,hat,VAL\n")
    listing = read_manifest(path, DataSettings())
    assert listing.table["split"].to_pylist() == [side, "validation"]
    assert listing.notes == (f"the split {name!r} of photos.csv is read as {side}",)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_columns_that_seem_to_tell_splits_apart_are_not_passed_over_in_silence(tmp_path: Path, kind: str) -> None:
    table = pa.table({"path": ["a.jpg"], "label": ["hat"], "is_valid": ["False"], "Split": ["test"], "price": ["1"]})
    path, whole = tmp_path / f"photos.{kind}", tmp_path / f"whole.{kind}"
    for place, held in ((path, table), (whole, table.append_column("split", pa.array(["train"])))):
        pyarrow.csv.write_csv(held, place) if kind == "csv" else pq.write_table(held, place)
    told = "is not read: splits are read from a column 'split', with the values train, validation and test"
    listing = read_manifest(path, DataSettings())
    assert listing.notes == tuple(f"the column {name!r} of {path.name} {told}" for name in ("is_valid", "Split"))
    assert listing.table["split"].to_pylist() == [None]
    assert read_manifest(whole, DataSettings()).notes == ()


def test_a_missing_group_column_is_an_error_only_when_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path, "path,label,groups\na.jpg,hat,1\n")
    assert rows(path) == [("a.jpg", "hat", None, None)]
    with pytest.raises(
        DataError, match=r"no column 'group', which --data.group-by column asks for; did you mean 'groups'"
    ):
        read_manifest(path, DataSettings(group_by="column"))


def test_a_manifest_in_another_encoding_or_format_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "photos.csv"
    path.write_bytes("path,label\na.jpg,Hütchen\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"line 2 of .* cannot be read as text in UTF-8: save it as CSV in UTF-8 or as"):
        read_manifest(path, DataSettings())
    parquet = tmp_path / "photos.parquet"
    parquet.write_bytes(b"no parquet")
    with pytest.raises(DataError, match=r"cannot be read .*: save it as CSV in UTF-8 or as Parquet"):
        read_manifest(parquet, DataSettings())


@pytest.mark.parametrize("address", ["s3://bucket/a.jpg", "https://shop.example/a.jpg", "file:///a.jpg", "gs://b/a"])
def test_an_address_is_no_path(tmp_path: Path, address: str) -> None:
    path = write(tmp_path, f"path,label\nC:/a.jpg,hat\n{address},hat\n")
    words = rf"names '{address}' \(line 3\), which is no path of a file: copy the photos to a disk of this machine"
    with pytest.raises(DataError, match=words):
        read_manifest(path, DataSettings())


def test_a_pipe_in_the_place_of_a_manifest_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "photos.csv")
    with pytest.raises(DataError, match=r"photos\.csv is no file: give a CSV or Parquet manifest, or a folder"):
        read_manifest(tmp_path / "photos.csv", DataSettings())


def test_a_formula_is_a_class_and_what_we_wrote_of_it_is_read_back(tmp_path: Path) -> None:
    path = write(tmp_path, "path,label\na.jpg,=1+1\nb.jpg,'=1+1\nc.jpg,'hat\n")
    listing = read_manifest(path, DataSettings())
    assert listing.table["label"].to_pylist() == ["=1+1", "=1+1", "'hat"]
    assert listing.notes == (
        "1 value of photos.csv begins with an apostrophe before a sign that spreadsheets compute: it is taken off, "
        "as visionft puts it there",
    )
