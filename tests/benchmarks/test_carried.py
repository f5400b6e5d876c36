"""The benchmark of carried norms and of ReLU6: its tables, and the whole script on a tiny backbone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.scripts import run_python

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
SCRIPT = BENCHMARKS / "carried.py"


@pytest.mark.slow
def test_the_table_has_a_line_a_backbone(tmp_path: Path) -> None:
    times = [("fp32", {"ratio": 1.2, "low": 1.15, "high": 1.25}), ("bf16", {"ratio": 1.1, "low": 1.0, "high": 1.3})]
    rows = [
        {
            "key": {"backbone": "net", "what": what, "precision": precision},
            **ratio,
            "modules": modules,
            "saved_mb": [78.24, 52.61],
        }
        for what, modules in (("norms", 52), ("relu6", 35))
        for precision, ratio in times
    ]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    told = run_python(BENCHMARKS, SCRIPT, "--markdown", "--out", tmp_path / "rows.jsonl")
    lines = [line for line in told.stdout.splitlines() if line.startswith("| `net`")]
    assert lines == [
        f"| `net` | {modules} | 1.20 (1.15 to 1.25) | 1.10 (1.00 to 1.30) | 78.2 to 52.6 MB a photo |"
        for modules in (52, 35)
    ]


@pytest.mark.slow
def test_a_network_races_its_carried_copy(tmp_path: Path) -> None:
    out = tmp_path / "rows.jsonl"
    done = run_python(BENCHMARKS, SCRIPT, "--backbones", "test_resnet", "--out", out)
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["key"]["precision"] for row in rows] == ["fp32", "bf16"]
    for row in rows:
        assert row["modules"] > 5
        assert 0 < row["difference"] < 1e-3
        assert row["saved_mb"][1] < row["saved_mb"][0]
