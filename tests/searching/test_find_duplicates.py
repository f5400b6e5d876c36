"""Copies and look-alikes as they are shown and written."""

from __future__ import annotations

import csv
import shutil
from io import StringIO
from pathlib import Path

import pytest

from tests.searching.making import catalogue, indexed, listed
from visionft.searching.find_duplicates import SHOWN, Duplicates, find_duplicates
from visionft.searching.open_store import opened


@pytest.fixture
def found(tmp_path: Path) -> Duplicates:
    root = catalogue(tmp_path / "photos")
    shutil.copy(root / "c0" / "0.png", root / "c0" / "=copy.png")
    indexed(tmp_path / "index", listed(root))
    with opened(tmp_path / "index") as store:
        return find_duplicates(store, 40)


def test_what_is_told(found: Duplicates) -> None:
    assert [[hit.path for hit in group] for group in found.copies] == [["c0/0.png", "c0/=copy.png"]]
    assert {(pair.first.label == pair.second.label) for pair in found.look_alikes} == {True}
    assert len(found.look_alikes) == 40  # ten of each of four classes
    lines = str(found).splitlines()
    assert lines[0] == "copies  c0/0.png (c0)  c0/=copy.png (c0)"
    assert lines[1] == str(found.look_alikes[0])
    assert lines[-2:] == [
        f"... {40 - SHOWN} more look-alikes: --out FILE.csv or --json has all",
        "21 photos looked at: 1 group of copies (2 photos), the 40 nearest pairs with cosines from {SCORES}".format(
            SCORES=f"{found.look_alikes[0].score:.3f} to {found.look_alikes[-1].score:.3f}"
        ),
    ]


def test_the_table_has_all_and_is_safe_in_a_spreadsheet(found: Duplicates) -> None:
    rows = list(csv.DictReader(StringIO(found.to_csv())))
    assert len(rows) == 41
    assert rows[0]["kind"] == "copy"
    assert {rows[0]["first"], rows[0]["second"]} == {"c0/0.png", "c0/=copy.png"}
    assert [float(row["score"]) for row in rows[1:]] == sorted((float(row["score"]) for row in rows[1:]), reverse=True)
    assert found.to_json()["look_alikes"][0]["first"]["label"] == found.look_alikes[0].first.label
