"""The table of models is whole, is what the page shows, and says what the code does today."""

from __future__ import annotations

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.scripts import run_python
from visionft.settings.method import METHODS

REPOSITORY = Path(__file__).resolve().parents[2]
SCRIPT = REPOSITORY / "benchmarks" / "table.py"
ROWS: list[dict[str, Any]] = [
    json.loads(line) for line in (SCRIPT.parent / "results" / "table.jsonl").read_text(encoding="utf-8").splitlines()
]
FAMILIES = 40  # what the page promises
BEGIN, END = "<!-- table:begin -->", "<!-- table:end -->"
TENTHS = 10


def table(*flags: str) -> subprocess.CompletedProcess[str]:
    return run_python(SCRIPT.parent, SCRIPT, *flags)


def test_every_family_went_through_every_method_and_none_failed() -> None:
    keys = [(row["key"]["family"], row["key"]["method"]) for row in ROWS]
    families, columns = ({key[i] for key in keys} for i in (0, 1))
    assert len(families) >= FAMILIES
    assert {column.split()[0] for column in columns} == set(METHODS)
    assert {"qlora nf4", "qlora int8"} <= columns
    assert len(keys) == len(set(keys)) == len(families) * len(columns)
    assert [row["key"] for row in ROWS if row["outcome"] == "failed"] == []


def test_what_is_not_supported_says_so_in_one_sentence_with_a_way_out() -> None:
    sentences = [row["sentence"] for row in ROWS if row["outcome"] == "unsupported"]
    assert sentences
    assert [s for s in sentences if "\n" in s or "--method" not in s.partition(";")[2]] == []


def test_what_works_trained_what_was_planned_and_answers_the_same() -> None:
    fine = [row for row in ROWS if row["outcome"] == "ok"]
    assert len(fine) > len(ROWS) / 2
    for row in fine:
        assert row["reload"] <= 1e-6, row
        assert row["fold"] <= 1e-4, row
        assert row.get("export", 0.0) <= 1e-3, row
        assert row["effect"] > 1e-3, row
        assert row["idle"] <= 0.01 * row["trained"], row  # a bias before a softmax has no gradient, ever
    assert {row["key"]["method"] for row in fine if "export" in row} >= {"full", "adapter", "prompt"}


def test_the_page_shows_the_table_that_was_measured() -> None:
    page = (REPOSITORY / "docs" / "methods.md").read_text(encoding="utf-8")
    answer = table("--markdown")
    assert answer.returncode == 0, answer.stderr
    assert page.split(BEGIN)[1].split(END)[0].strip() == answer.stdout.strip()


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_tenth_of_the_cells_comes_out_as_recorded() -> None:
    tenth = int(os.environ.get("VISIONFT_TENTH") or time.time() // 86_400) % TENTHS
    print(f"tenth {tenth} of {TENTHS}, by the date; VISIONFT_TENTH=0 to 9 chooses another")
    answer = table("--again", str(tenth))
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert f"tenth {tenth}: " in answer.stdout
