"""The benchmark of the data path: its table, its ratios, and the whole script on a few photos."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.scripts import run_python

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "data_path.py"


@pytest.mark.slow
def test_the_table_has_a_row_a_loader_and_says_which_is_not_installed(tmp_path: Path) -> None:
    row = {
        "median_pixels": [400, 533],
        "images_per_second": {"torchvision": 500.4, "timm": 505.0, "cold": 1100.0, "cached": 3000.0},
        "times_as_fast": {
            "torchvision": [1.0, 1.0, 1.0],
            "timm": [1.01, 1.0, 1.02],
            "cold": [2.2, 2.1, 2.3],
            "cached": [6.0, 5.5, 6.5],
        },
    }
    (tmp_path / "cells.jsonl").write_text(json.dumps(row) + "\n")
    told = run_python(SCRIPT.parent, SCRIPT, "--markdown", "--out", tmp_path / "cells.jsonl").stdout.splitlines()
    assert told[0] == "| images a second on one core | 400 by 533 |"
    assert told[2:] == [
        "| torchvision, ImageFolder | 500 |",
        "| timm, create_loader | 505 (1.01 times; 1.00 to 1.02) |",
        "| fastai, ImageDataLoaders | not installed here |",
        "| visionft, cold | 1,100 (2.20 times; 2.10 to 2.30) |",
        "| visionft, cached | 3,000 (6.00 times; 5.50 to 6.50) |",
    ]


@pytest.mark.slow
def test_ratios_are_those_of_rounds_without_the_first_pass() -> None:
    code = (
        "from data_path import figures; "
        "found = figures({'torchvision': [9, 2, 4, 6], 'cold': [1, 1, 1, 1]}); "
        "assert found['images_per_second'] == {'torchvision': 0.2, 'cold': 1.0}, found; "
        "assert found['times_as_fast']['cold'] == [4.0, 3.0, 5.0], found"
    )
    done = run_python(SCRIPT.parent, "-c", code)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_the_script_measures_every_loader_and_skips_what_is_finished(shapes: Path, tmp_path: Path) -> None:
    photos = tmp_path / "set" / "train"
    shutil.copytree(shapes, photos)
    words = [SCRIPT, "--photos", photos, "--rounds", "2", "--limit", "40", "--out", tmp_path / "cells.jsonl"]
    first = run_python(SCRIPT.parent, *words)
    assert first.returncode == 0, first.stderr
    rows = [json.loads(line) for line in (tmp_path / "cells.jsonl").read_text().splitlines()]
    assert [row["key"]["scale"] for row in rows] == [1, 3]
    assert all({"torchvision", "timm", "cold", "cached"} <= set(row["images_per_second"]) for row in rows)
    assert run_python(SCRIPT.parent, *words).stdout == ""
