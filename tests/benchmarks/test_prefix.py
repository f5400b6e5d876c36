"""The benchmark of frozen prefixes: its lines, and the whole script on tiny backbones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.scripts import run_python

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
SCRIPT = BENCHMARKS / "prefix.py"


@pytest.mark.slow
def test_lines_have_the_median_of_the_rounds(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = []
    for turn, (live, cached) in enumerate([(20, 2000), (25, 2500), (40, 2000)]):
        ways = {
            "live": {"images_per_second": live, "epoch": 6.0},
            "cached": {"images_per_second": cached, "epoch": (turn + 1) / 2},
        }
        rows.append(
            {"key": {"what": "speed", "case": "mlp head", "round": turn}, **ways, "times_as_fast": cached / live}
        )
    figures = {"test_top1": 0.875, "val_top1": 0.9, "whole": 60.4}
    rows.append({"key": {"what": "views", "views": None, "seed": 1}, **figures})
    (tmp_path / "prefix.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    told = run_python(BENCHMARKS, SCRIPT, "--markdown", "--out", tmp_path / "prefix.jsonl")
    assert told.stdout.splitlines() == [
        "mlp head: images/s live 25, cached 2,000; 100.0 times, an epoch with its validation 6.0 times (n = 3)",
        "new views, 8 epochs, seed 1: test 87.5%, validation 90.0%, 60 s",
    ]


@pytest.mark.slow
def test_the_script_measures_both_ways_over_the_same_views(split: Path, tmp_path: Path) -> None:
    out = tmp_path / "prefix.jsonl"
    words = [SCRIPT, split, "--smallest", "--every", "1", "--rounds", "1", "--out", out]
    done = run_python(BENCHMARKS, *words, "--case", "mlp head")
    assert done.returncode == 0, done.stderr
    row = json.loads(out.read_text())
    assert row["times_as_fast"] > 0
    assert {key: row["live"][key] for key in ("val_top1", "test_top1")} == {
        key: row["cached"][key] for key in ("val_top1", "test_top1")
    }
