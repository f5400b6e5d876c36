"""What CSV files hold of labels and paths: text for a spreadsheet, and the same text again for us."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from visionft.classes import Classes
from visionft.data import Manifest, read_splits
from visionft.data.manifest import SCHEMA
from visionft.photos import from_spreadsheet, from_spreadsheet_table, spreadsheet_safe, spreadsheet_safe_table

FORMULAS = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "\uff1d1",
    "\uff0b1",
    "\uff0d1",
    "\uff20x",
    "'=1",
    "''=1",
]
PLAIN = ["", "hat", "'", "'hat", "''", "a=b", " =1", "0.5", "'a'=b", "NA", "S-1"]
texts = st.text(st.sampled_from("'=+-@\t\r\nab \uff1d") | st.characters(exclude_categories=["Cs"]), max_size=12)


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_gets_one_apostrophe(text: str) -> None:
    assert spreadsheet_safe(text) == f"'{text}"


@pytest.mark.parametrize("text", PLAIN)
def test_other_text_stays_as_it_is(text: str) -> None:
    assert spreadsheet_safe(text) == text == from_spreadsheet(text)


@given(texts)
def test_every_text_comes_back_and_none_begins_with_a_sign(text: str) -> None:
    written = spreadsheet_safe(text)
    assert from_spreadsheet(written) == text
    assert written[:1] not in tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")


@given(st.lists(texts | st.none(), max_size=5))
def test_tables_are_written_like_texts(values: list[str | None]) -> None:
    table = pa.table({"=label": pa.array(values, pa.string()), "n": pa.array([-1] * len(values), pa.int64())})
    written = spreadsheet_safe_table(table)
    assert written.column_names == ["'=label", "n"]
    assert written["n"].equals(table["n"])
    assert written["'=label"].to_pylist() == [v if v is None else spreadsheet_safe(v) for v in values]
    assert from_spreadsheet_table(written).rename_columns(table.column_names).equals(table)


def test_splits_csv_holds_no_formula_and_is_read_back(tmp_path: Path) -> None:
    table = pa.table(
        {
            "path": ["=1+1/a.jpg", "@x/b.jpg", "'=c/d.jpg", "hat/e.jpg"],
            "label": ["=1+1", "@x", "'=c", "hat"],
            "split": ["train", "validation", "test", "train"],
            "group": ["-1", None, "'+2", "S1"],
            "digest": ["00", "11", "22", "33"],
            "bytes": [1, 2, 3, 4],
        },
        schema=SCHEMA,
    ).sort_by("path")
    manifest = Manifest(tmp_path, table, Classes.of(["=1+1", "@x", "'=c", "hat"]))
    manifest.write_splits(tmp_path / "splits.csv")
    assert "'=1+1" in (tmp_path / "splits.csv").read_text()
    assert not [cell for cell in (tmp_path / "splits.csv").read_text().split('"') if cell[:1] in ("=", "@", "-")]
    assert read_splits(tmp_path / "splits.csv").equals(table)
