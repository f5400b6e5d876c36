"""The GPU benchmark: its repeated photos, its tables, and the whole script on a processor."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.scripts import run_python
from visionft import photos

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


def run(*words: object) -> subprocess.CompletedProcess[str]:
    return run_python(BENCHMARKS, *words)


@pytest.fixture
def split(shapes: Path, tmp_path: Path) -> Path:
    """Return a split folder: the first half of the shapes to train on, the second to validate."""
    for kind in shapes.iterdir():
        for number, path in enumerate(sorted(kind.iterdir())):
            place = tmp_path / "photos" / ("train" if number < 10 else "validation") / kind.name
            place.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, place)
    return tmp_path / "photos"


@pytest.mark.slow
def test_repeated_photos_have_other_bytes_and_the_same_pixels(split: Path, tmp_path: Path) -> None:
    code = "import sys; from pathlib import Path; from gpu import repeated; repeated(*map(Path, sys.argv[1:]), 3)"
    done = run("-c", code, split, tmp_path / "out")
    assert done.returncode == 0, done.stderr

    source = split / "train" / "disc" / "00.jpg"
    copies = sorted((tmp_path / "out" / "train" / "disc").glob("*-00.jpg"))

    assert len({path.read_bytes() for path in copies} | {source.read_bytes()}) == 4
    assert all(np.array_equal(photos.read(path), photos.read(source)) for path in copies)
    assert len(list((tmp_path / "out" / "validation" / "disc").iterdir())) == 10


@pytest.mark.slow
def test_every_variant_is_one_that_trains_as_the_script_trains_it(split: Path) -> None:
    code = (
        "import sys; from gpu import TRAINED, VARIANTS, WHOLE, settings;"
        "[settings(sys.argv[1], 'test_vit', 4, WHOLE, **changes) for changes in VARIANTS.values()];"
        "print(*WHOLE.variants, *TRAINED)"
    )
    done = run("-c", code, split)
    assert done.returncode == 0, done.stderr
    assert {"full", "gradual", "lora", "qlora", "adapter", "prompt", "bitfit", "norm"} <= set(done.stdout.split())


@pytest.mark.slow
def test_tables_take_the_better_round_and_compare_with_full(tmp_path: Path) -> None:
    step = {"part": "step", "backbone": "resnet50", "batch": 128}
    speeds = [("bare", 0, 100.0), ("bare", 1, 120.0), ("timm", 0, 100.0), ("ours", 0, 90.0)]
    rows = [{"key": {**step, "what": what, "round": turn}, "images_per_second": speed} for what, turn, speed in speeds]
    method = {"part": "methods", "backbone": "vit_base_patch16_224", "batch": 64}
    for what, peak in (("full", 10_000.0), ("lora", 8_000.0)):
        figures = {"images_per_second": 500.0, "peak_memory_mb": peak, "trainable": 2_000_000}
        rows.append({"key": {**method, "what": what}, **figures})
    rows.append({"key": {**method, "what": "qlora"}, "failed": "RuntimeError: no kernel"})
    exported = {"agreement": 1.0, "n": 341, "max_probability_difference": 2e-6}
    rows.append(
        {"key": {"part": "fit", "backbone": "m", "what": "full"}, "fit": {"test_top1": 0.9}, "export": exported}
    )
    (tmp_path / "gpu.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    told = run(BENCHMARKS / "gpu.py", "--markdown", "--out", tmp_path / "gpu.jsonl").stdout

    assert "| `resnet50` | 128 | 120 | 100 | 90 | 0.90 |" in told
    assert "| `lora` | 500 | 8.0 GB | 0.80 | 2.00 M |" in told
    assert "| `qlora` | RuntimeError: no kernel | | | |" in told
    assert "| `m` | `full` | 90.0% | 100.00% of 341 | 2.0e-06 |" in told


@pytest.mark.slow
def test_photos_that_are_no_split_folder_are_one_sentence(tmp_path: Path) -> None:
    done = run(BENCHMARKS / "gpu.py", tmp_path)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith("holds no folder train; give a split folder of class folders")


@pytest.mark.slow
def test_the_whole_script_runs_on_a_processor_goes_on_and_skips_what_is_finished(split: Path, tmp_path: Path) -> None:
    out = tmp_path / "gpu.jsonl"
    words = [BENCHMARKS / "gpu.py", split, "--tiny", "--out", out]

    def rows() -> list[dict[str, Any]]:
        return [json.loads(line) for line in out.read_text().splitlines()]

    first = run(*words, "--minutes", "0.01")
    assert first.returncode == 0, first.stderr
    assert "the minutes are over before" in first.stdout
    begun = rows()
    assert begun[0]["images_per_second"] > 0

    whole = run(*words, "--minutes", "30")
    assert whole.returncode == 0, whole.stderr
    assert "the minutes are over" not in whole.stdout
    assert rows()[: len(begun)] == begun
    assert [row["failed"] for row in rows() if "failed" in row] == []
    assert {row["key"]["part"] for row in rows()} == {"step", "methods", "fit"}
    assert all(row["export"]["agreement"] == 1 for row in rows() if row["key"]["part"] == "fit")

    finished = out.read_text()
    run(*words, "--minutes", "0")
    assert out.read_text() == finished
