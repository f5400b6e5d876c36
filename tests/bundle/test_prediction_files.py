"""A table of answers is written whole or not at all, where and how its name says."""

from __future__ import annotations

import csv
import os
import stat
from pathlib import Path

import pytest

from tests.bundle.test_predictions import predictions
from visionft.bundle.prediction_files import table_file, write_csv, write_table
from visionft.bundle.predictions import WRITERS
from visionft.errors import UsageError


def test_the_place_is_opened_before_the_work_and_changed_after_it(tmp_path: Path) -> None:
    old = tmp_path / "a.csv"
    old.write_text("old", encoding="utf-8")
    with table_file(old, WRITERS, "answers") as save:
        assert old.read_text(encoding="utf-8") == "old"
        assert list(tmp_path.iterdir()) == [old]  # nothing that a look into the folder would find
        save(predictions())
    assert old.read_text(encoding="utf-8").startswith("path,label")
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def test_without_an_outcome_nothing_is_changed(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("old", encoding="utf-8")
    for place in (tmp_path / "a.csv", tmp_path / "new" / "deep" / "a.csv"):
        with pytest.raises(ZeroDivisionError), table_file(place, WRITERS, "answers"):
            raise ZeroDivisionError
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]
    assert (tmp_path / "a.csv").read_text(encoding="utf-8") == "old"


def test_a_folder_of_that_name_is_told_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "a.csv").mkdir()
    with (
        pytest.raises(UsageError, match=r"answers cannot be written to .*a.csv \(Is a directory\): give another place"),
        table_file(tmp_path / "a.csv", WRITERS, "answers"),
    ):
        raise AssertionError("there is no work")


def test_a_file_has_the_rights_that_the_umask_leaves(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        predictions().write(tmp_path / "a.csv")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.csv").stat().st_mode) == 0o600


def test_a_link_at_the_old_name_of_the_half_written_file_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious", encoding="utf-8")
    (tmp_path / ".a.csv.partial").symlink_to(tmp_path / "mine")
    predictions().write(tmp_path / "a.csv")
    assert (tmp_path / "mine").read_text(encoding="utf-8") == "precious"
    assert predictions().write(tmp_path / ("n" * 251 + ".csv")).is_file()  # 255 bytes, the longest name there is


def test_the_writer_is_that_of_the_ending_whatever_its_case(tmp_path: Path) -> None:
    writers = {".txt": lambda table, path: path.write_text(str(table))}
    assert write_table([1, 2], tmp_path / "a.TXT", writers, "numbers").read_text() == "[1, 2]"
    with pytest.raises(UsageError, match=r"numbers cannot be written to .*a\.xml: give a name that ends in \.txt"):
        write_table([1], tmp_path / "a.xml", writers, "numbers")


def test_text_that_a_spreadsheet_would_compute_is_text_and_numbers_stay(tmp_path: Path) -> None:
    write_csv([{"a": "=1+1", "b": -2.5}, {"a": "plain", "b": None}], ["a", "b"], tmp_path / "a.csv")
    with (tmp_path / "a.csv").open(newline="") as file:
        first, second = csv.DictReader(file)
    assert not first["a"].startswith("=")
    assert (first["b"], second) == ("-2.5", {"a": "plain", "b": ""})
