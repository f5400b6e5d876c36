"""The benchmark of several heads: columns from paths, what is right, its table, and the whole script."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.scripts import run_python

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
SCRIPT = BENCHMARKS / "multihead.py"


def test_what_is_right_is_told_by_column_in_order_of_path() -> None:
    code = (
        "import multihead as m; rows = [{'path': p, 'truth': 'x', 'label': l} for p, l in (('b', 'x'), ('a', 'y'))];"
        "print(m.right_of(rows, 'kind'));"
        "many = [{'path': 'a', **{f'{c}_{w}': 'x' for c in m.COLUMNS for w in ('truth', 'label')}, 'kind_label': 'y'}];"
        "print(m.right_of(many, m.TOGETHER))"
    )
    told = run_python(BENCHMARKS, "-c", code).stdout.splitlines()
    assert told == ["{'kind': '01'}", "{'aisle': '1', 'coarse': '1', 'kind': '0'}"]


def test_the_table_pairs_each_column_with_a_run_of_its_own(tmp_path: Path) -> None:
    rights = {"together": {"aisle": "1111", "coarse": "1100", "kind": "1000"}, "coarse": {"coarse": "0000"}}
    rows = [
        {"key": {"way": way, "seed": 0}, "rights": found, "seconds": 10, "megabytes": 2}
        for way, found in rights.items()
    ]
    (tmp_path / "cells.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    lines = run_python(BENCHMARKS, SCRIPT, "--markdown", "--out", tmp_path / "cells.jsonl").stdout.splitlines()
    assert lines[2] == ("| coarse | 0 | 4 | 0.0% (0.0% to 49.0%) | 50.0% (15.0% to 85.0%) | +50.0 (+0.0 to +100.0) |")
    assert lines[-1] == "fit, and weights: together 10 s, 2.0 MB; coarse 10 s, 2.0 MB"


@pytest.mark.slow
def test_the_script_measures_every_way(split: Path, tmp_path: Path) -> None:
    nested = tmp_path / "nested"
    for side in sorted(split.iterdir()):
        for number, folder in enumerate(sorted(side.iterdir())):
            shutil.copytree(folder, nested / side.name / ("a" if number else "b") / folder.name)
    out = tmp_path / "cells.jsonl"
    done = run_python(BENCHMARKS, SCRIPT, nested, "--every", "1", "--backbone", "visionft_pico", "--out", out)
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["key"]["way"] for row in rows] == ["aisle", "coarse", "kind", "together"]
    assert {len(text) for row in rows for text in row["rights"].values()} == {18}
