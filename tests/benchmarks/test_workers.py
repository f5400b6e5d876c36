"""The benchmark of workers: ratios are those of one round, to no workers in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.scripts import run_python

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.mark.slow
def test_the_table_compares_within_rounds(tmp_path: Path) -> None:
    rates = [(0, 0, 40.0), (0, 2, 36.0), (1, 0, 20.0), (1, 2, 19.0), (2, 2, 99.0)]
    rows = [
        {"key": {"backbone": "net", "photos": 640, "workers": workers, "round": turn}, "images_per_second": rate}
        for turn, workers, rate in rates
    ]
    (tmp_path / "rows.json").write_text(json.dumps(rows))
    code = "import json, sys; from workers import markdown; print(markdown(json.load(open(sys.argv[1]))))"
    told = run_python(BENCHMARKS, "-c", code, tmp_path / "rows.json").stdout.splitlines()
    assert told[-2:] == [
        "| `net` | 0 | 30.0 | 1.00 (1.00 to 1.00) | 2 |",
        "| `net` | 2 | 36.0 | 0.93 (0.90 to 0.95) | 3 |",
    ]
