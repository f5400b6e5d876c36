"""The benchmark of a taxonomy: what it reads of a run, its paired table, and the whole script."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.scripts import run_python

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
SCRIPT = BENCHMARKS / "taxonomy.py"


def test_a_flat_answer_stands_for_what_lies_above_it_and_a_tree_tells_each_level() -> None:
    code = (
        "import taxonomy as t;"
        "flat = [{'truth': 'a/x', 'label': 'a/y'}, {'truth': 'b', 'label': 'a/x'}, {'truth': 'b', 'label': 'b'}];"
        "print(t.rights(flat));"
        "print(t.rights([{**row, 'level_1': 'a', 'level_2': row['truth']} for row in flat]))"
    )
    assert run_python(BENCHMARKS, "-c", code).stdout.splitlines() == ["['101', '001']", "['100', '111']"]


def test_the_table_pairs_each_way_with_flat(tmp_path: Path) -> None:
    sure = {"min_confidence": 0.9, "precision": 0.99, "interval": [0.98, 1.0], "answered": 0.8, "depth": 1.5}
    rows = [
        {"key": {"way": way, "set": "grocery", "sides": "its own test", "seed": 0}, "rights": ["1110", right], **more}
        for way, right, more in (("flat", "0000", {}), ("tree", "1111", {"sure": sure}))
    ]
    (tmp_path / "cells.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    told = run_python(BENCHMARKS, SCRIPT, "--markdown", "--out", tmp_path / "cells.jsonl")
    assert told.stdout.splitlines()[-2:] == [
        "| flat | grocery, its own test | 0 | 75.0%, 0.0% |  |  |  |  |  |",
        "| tree | grocery, its own test | 0 | 75.0%, 100.0% | +0.0 (+0.0 to +0.0), +100.0 (+100.0 to +100.0) | 0.9 "
        "| 99.00% (98.00% to 100.00%) | 80.0% | 1.50 |",
    ]


@pytest.mark.slow
def test_the_script_measures_every_way(split: Path, tmp_path: Path) -> None:
    nested = tmp_path / "nested"
    for side in sorted(split.iterdir()):
        for number, folder in enumerate(sorted(side.iterdir())):
            shutil.copytree(folder, nested / side.name / ("a" if number else "b") / folder.name)
    out = tmp_path / "cells.jsonl"
    done = run_python(BENCHMARKS, SCRIPT, nested, "--every", "1", "--out", out)
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["key"]["way"] for row in rows] == ["flat", "tree"]
    assert rows[1]["fitted"]["wanted"] == 0.99
