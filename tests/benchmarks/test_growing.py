"""The benchmark of growing crops: means are over seeds that have both, and the whole script on a tiny backbone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.scripts import run_python

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
SCRIPT = BENCHMARKS / "growing.py"


def cell(start: int | None, seed: int, seconds: float, top1: float) -> dict[str, Any]:
    key = {"set": "clothing", "backbone": "net", "start": start, "seed": seed}
    return {"key": key, "seconds": seconds, "test_top1": top1, "val_top1": top1}


def test_the_table_compares_seed_by_seed(tmp_path: Path) -> None:
    rows = [cell(None, 0, 200, 0.9), cell(96, 0, 100, 0.8), cell(None, 1, 100, 0.8), cell(96, 1, 75, 0.7)]
    rows.append(cell(96, 2, 999, 0.1))  # without one size in all epochs there is nothing to compare it with
    (tmp_path / "growing.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    told = run_python(BENCHMARKS, SCRIPT, "--markdown", "--out", tmp_path / "growing.jsonl")
    assert told.stdout.splitlines()[-2:] == [
        "| clothing | `net` | the end | 150 | 1.00 | 85.0% | 85.0% | 2 |",
        "| clothing | `net` | 96 | 88 | 0.62 | 75.0% | 75.0% | 2 |",
    ]


@pytest.mark.slow
def test_the_script_fits_both_ways(split: Path, tmp_path: Path) -> None:
    out = tmp_path / "growing.jsonl"
    words = ["--backbone", "test_resnet", "--starts", "16", "--seeds", "0", "--out", out]
    done = run_python(BENCHMARKS, SCRIPT, split, *words)
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["key"]["start"] for row in rows] == [None, 16]
    assert all(row["seconds"] > 0 for row in rows)
