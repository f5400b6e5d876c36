from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from visionft.bundle import Prediction, Predictions, Unanswered
from visionft.errors import UsageError
from visionft.photos import Quarantined, from_spreadsheet


def predictions(n: int = 2) -> Predictions:
    rows = tuple(
        Prediction(f"{i}, <b>.jpg", "Äpfel", 0, 0.75, np.array([0.75, 0.25], np.float32), False, 3.5) for i in range(n)
    )
    return Predictions((*rows, Unanswered("bad.jpg", "truncated")), ("Äpfel", "Birnen"))


def test_csv_has_a_line_a_file_and_the_reason_of_what_was_not_read(tmp_path: Path) -> None:
    with predictions().write(tmp_path / "new" / "a.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))

    assert [row["path"] for row in rows] == ["0, <b>.jpg", "1, <b>.jpg", "bad.jpg"]
    assert (rows[0]["label"], rows[0]["class_index"], rows[0]["unknown"], rows[0]["problem"]) == (
        "Äpfel",
        "0",
        "False",
        "",
    )
    assert (rows[2]["label"], rows[2]["problem"]) == ("", "truncated")


def test_jsonl_holds_all_probabilities(tmp_path: Path) -> None:
    lines = predictions().write(tmp_path / "a.jsonl").read_text(encoding="utf-8").splitlines()

    rows = [json.loads(line) for line in lines]
    assert rows[0]["probabilities"] == [0.75, 0.25]
    assert rows[2] == dict.fromkeys(rows[0]) | {"path": "bad.jpg", "problem": "truncated"}


def test_parquet_has_types_and_class_names(tmp_path: Path) -> None:
    table = pq.read_table(predictions().write(tmp_path / "a.parquet"))

    assert table.column("probability").to_pylist() == [0.75, 0.75, None]
    assert table.column("probabilities").to_pylist() == [[0.75, 0.25], [0.75, 0.25], None]
    assert json.loads(table.schema.metadata[b"classes"]) == ["Äpfel", "Birnen"]


def test_nothing_partial_stays_beside_the_file(tmp_path: Path) -> None:
    predictions().write(tmp_path / "a.csv")

    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


@pytest.mark.parametrize("name", ["a.xlsx", "answers"])
def test_an_unknown_ending_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=r"cannot be written to .*: give a name that ends in .csv, .jsonl, .parquet"):
        predictions().write(tmp_path / name)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")

    with pytest.raises(UsageError, match=r"cannot be written to .*file/a.csv \(.*\): give another place"):
        predictions().write(tmp_path / "file" / "a.csv")


def test_printing_shows_a_screen_and_the_counts() -> None:
    text, page = str(predictions(30)), predictions(30)._repr_html_()

    assert "... 11 more, among them" in text
    assert text.endswith("30 photos answered, 1 of 31 not read")
    assert "bad.jpg  not read: truncated" in text
    assert "0, &lt;b&gt;.jpg" in page
    assert "<b>" not in page


def test_predictions_are_a_sequence() -> None:
    found = predictions()

    assert len(found) == 3
    assert found[1].path == "1, <b>.jpg"
    assert [row.label for row in found] == ["Äpfel", "Äpfel", None]
    assert len(found[:1]) == 1


def test_further_labels_are_columns_in_every_file(tmp_path: Path) -> None:
    found = predictions(1).with_top(2)

    assert [found.best(row) for row in found] == [[("Äpfel", 0.75), ("Birnen", 0.25)], []]
    with found.write(tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert (rows[0]["label"], rows[0]["label_2"], rows[0]["probability_2"]) == ("Äpfel", "Birnen", "0.25")
    assert rows[1]["label_2"] == ""
    lines = found.write(tmp_path / "a.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(lines[0])["label_2"] == "Birnen"
    table = pq.read_table(found.write(tmp_path / "a.parquet"))
    assert table.column("label_2").to_pylist() == ["Birnen", None]
    assert table.column("probability_2").to_pylist() == [0.25, None]
    assert str(found).startswith("0, <b>.jpg  Äpfel  75.0%, Birnen  25.0%")


def test_no_more_labels_than_classes_and_the_answer_s_own_first() -> None:
    even = Prediction("a.jpg", "c", 2, 0.3, np.array([0.3, 0.4, 0.3], np.float32), False, 0.0)
    found = Predictions((even,), ("a", "b", "c")).with_top(9)

    assert found.top == 3
    assert [label for label, _ in found.best(even)] == ["c", "b", "a"]
    assert found.columns[-4:] == ("label_2", "probability_2", "label_3", "probability_3")


@pytest.mark.parametrize("top", [0, -3])
def test_less_than_one_label_is_refused(top: int) -> None:
    with pytest.raises(UsageError, match=rf"top is {top}: give the number of labels for each photo, from 1 up"):
        predictions().with_top(top)


HOSTILE = ["=1+1", "+1", "-2", "@SUM(A1)", "\tx", "'=1", "a=b", "0-1"]


def test_a_spreadsheet_computes_nothing_in_the_answers(tmp_path: Path) -> None:
    even = np.array([0.75, 0.25], np.float32)
    rows = [Prediction(name, name, 0, 0.75, even, False, -3.5) for name in HOSTILE]
    found = Predictions((*rows, Unanswered("=cmd.jpg", "truncated")), ("=1+1", "@b")).with_top(2)

    with found.write(tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
        written = list(csv.DictReader(file))

    safe = ["'=1+1", "'+1", "'-2", "'@SUM(A1)", "'\tx", "''=1", "a=b", "0-1"]
    assert [row["path"] for row in written] == [*safe, "'=cmd.jpg"]
    assert [row["label"] for row in written] == [*safe, ""]
    assert (written[0]["label_2"], written[0]["known_score"]) == ("'@b", "-3.5")  # a number is no formula
    assert [from_spreadsheet(row["path"]) for row in written[:-1]] == HOSTILE
    lines = found.write(tmp_path / "a.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["path"] for line in lines[:-1]] == HOSTILE
    assert pq.read_table(found.write(tmp_path / "a.parquet")).column("label").to_pylist() == [*HOSTILE, None]


def test_the_account_and_its_views() -> None:
    middle = predictions(2).rows
    found = Predictions((middle[2], *middle[:2]), ("Äpfel", "Birnen"))

    assert [row.problem for row in found] == ["truncated", None, None]
    assert (found[0].label, found[0].probability, found[0].probabilities, found[0].unknown) == (None,) * 4
    assert found.quarantine == (Quarantined("bad.jpg", "truncated"),)
    assert found.answered == middle[:2]
    assert found.unanswered == (middle[2],)
    assert (found.account.asked, found.account.measured, found.account.is_loud) == (3, 2, True)
    assert str(found).splitlines()[0] == "bad.jpg  not read: truncated"
    assert str(found).endswith("2 photos answered, 1 of 3 not read")


def test_arrow_and_pandas_hold_what_parquet_does(tmp_path: Path) -> None:
    made = predictions()
    arrow = made.to_arrow()
    assert arrow.equals(pq.read_table(made.write(tmp_path / "a.parquet")))
    frame = made.to_pandas()
    assert list(frame.columns) == arrow.column_names
    assert frame["path"].tolist() == [row.path for row in made]


def test_a_console_shows_them_as_print_does() -> None:
    made = predictions()
    assert repr(made) == str(made)
    assert "array" not in repr(made) + repr(made[0])
