"""The training step against a bare loop: the photos it takes, the bare loop itself, the ratios of the table."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.scripts import run_python

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.mark.slow
def test_the_subset_has_every_class_and_photos_that_are_not_copied(shared: Path, tmp_path: Path) -> None:
    code = "import sys; from pathlib import Path; from step import subset; subset(Path(sys.argv[1]), 64)"
    done = run_python(BENCHMARKS, "-c", code, tmp_path)
    assert done.returncode == 0, done.stderr
    classes = {place.name for place in (shared / "data" / "clothing" / "train").iterdir()}
    for split, photos in (("train", 64), ("validation", len(classes)), ("test", len(classes))):
        found = list((tmp_path / split).rglob("*.jpg"))
        assert len(found) == photos
        assert {path.parent.name for path in found} == classes
        assert all(path.is_symlink() for path in found)


@pytest.mark.slow
def test_the_bare_loop_takes_its_fastest_way() -> None:
    code = """
import json
from yardsticks import best_bare
print(json.dumps(best_bare("test_resnet", 4, 32, 2, advance=lambda *_: None)))
"""
    done = run_python(BENCHMARKS, "-c", code)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    way = f"Way(bf16={told['bf16']}, channels_last={told['channels_last']}, micro_batch={told['micro_batch']})"
    assert told["tried"][way] == max(told["tried"].values())
    assert told["images_per_second"] > 0


@pytest.mark.slow
def test_ratios_are_those_of_whole_rounds(tmp_path: Path) -> None:
    rates = [(0, 20.0, 19.0, 10.0), (1, 10.0, 9.8, 7.0), (2, 20.0, 20.4, 10.0), (3, 99.0, None, 99.0)]
    rows = [
        {"key": {"backbone": "vit", "photos": 640, "what": what, "round": number}, "images_per_second": rate}
        for number, *each in rates
        for what, rate in zip(("bare", "ours", "plain"), each, strict=True)
        if rate
    ]
    (tmp_path / "rows.json").write_text(json.dumps(rows))
    code = "import json, sys; from step import markdown; print(markdown(json.load(open(sys.argv[1]))))"
    told = run_python(BENCHMARKS, "-c", code, tmp_path / "rows.json").stdout.splitlines()
    assert told[-1] == "| `vit` | 20.0 | 19.0 | 10.0 | 0.98 (0.95 to 1.02) | 1.90 (1.40 to 2.04) | 3 |"


@pytest.mark.slow
def test_an_epoch_of_ours_and_of_the_plain_loop_are_timed(shared: Path, tmp_path: Path) -> None:
    code = """
import json, sys, step
from pathlib import Path
photos = step.subset(Path(sys.argv[1]), 32)
print(json.dumps([step.ours("mobilenetv2_100", photos), step.plain("mobilenetv2_100", photos)]))
"""
    done = run_python(BENCHMARKS, "-c", code, tmp_path)
    assert done.returncode == 0, done.stderr
    assert all(row["images_per_second"] > 0 < row["peak_memory_mb"] for row in json.loads(done.stdout.splitlines()[-1]))
