"""The benchmark of several labels: how labels are made and forgotten, its table, and the whole script."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.scripts import run_python

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
SCRIPT = BENCHMARKS / "multilabel.py"


def test_half_of_the_training_entries_are_forgotten_or_taken_for_negatives() -> None:
    code = (
        "import multilabel as m; rows = [(f'{i}.jpg', 'x|y', 'train') for i in range(500)];"
        "rows.append(('b.jpg', 'x|z', 'test'));"
        "masked, negative = m.forgotten(rows, 0, '?'), m.forgotten(rows, 0, '');"
        "unknown, kept = sum(r[1].count('?') for r in masked), sum(len(r[1].split('|')) for r in negative if r[1]);"
        "print(unknown, kept, masked[-1] == rows[-1] == negative[-1])"
    )
    unknown, kept, same = run_python(BENCHMARKS, "-c", code).stdout.split()
    assert abs(int(unknown) - 750) < 60, "of three labels each"
    assert abs(int(kept) - 502) < 50, "of two that a photo has"
    assert same == "True", "what is measured on is known"


def test_the_table_has_a_line_a_way(tmp_path: Path) -> None:
    rows = [
        {"key": {"way": way}, "test_map": score, "seconds": 10} for way, score in (("a", 0.5), ("b", 1), ("a", 0.7))
    ]
    (tmp_path / "cells.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    told = run_python(BENCHMARKS, SCRIPT, "--markdown", "--out", tmp_path / "cells.jsonl")
    assert told.stdout.splitlines()[-2:] == ["| a | 60.0% | 10 | 2 |", "| b | 100.0% | 10 | 1 |"]


@pytest.mark.slow
def test_the_script_measures_every_way(split: Path, tmp_path: Path) -> None:
    out = tmp_path / "cells.jsonl"
    done = run_python(BENCHMARKS, SCRIPT, split, "--every", "1", "--epochs", "1", "--out", out)
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["key"]["way"] for row in rows] == ["known", "masked", "negative", "ours", "plain"]
