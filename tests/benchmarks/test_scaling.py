"""The benchmark of growth: its photos, its table, and the whole script on a thousand photos."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from tests.scripts import run_python
from visionft import photos

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
SCRIPT = BENCHMARKS / "scaling.py"


def run(*words: object) -> subprocess.CompletedProcess[str]:
    return run_python(BENCHMARKS, *words)


def test_its_photos_are_sound_and_no_two_have_the_same_bytes(tmp_path: Path) -> None:
    done = run("-c", "import sys, scaling; scaling.make(scaling.Path(sys.argv[1]), 300)", tmp_path / "photos")
    assert done.returncode == 0, done.stderr

    made = sorted((tmp_path / "photos").rglob("*.jpg"))

    assert len(made) == len({path.read_bytes() for path in made}) == 300
    assert len({path.parent for path in made}) == 100
    assert {photos.read(path).shape for path in made} == {(32, 32, 3)}


def test_the_table_divides_by_the_photos(tmp_path: Path) -> None:
    common = {"seconds": 9.0, "processor_seconds": 2.0, "bytes": 5_000_000, "process_seconds": 12.3}
    rows = [
        {"key": {"phase": "list", "photos": 1000}, "photos": 1000, **common},
        {"key": {"phase": "list", "photos": 100_000}, "photos": 100_000, **common},
        {"key": {"phase": "start", "photos": 100_000}, "photos": 100_000, **common},
        {"key": {"phase": "load, 0 workers", "photos": 1000}, "photos": 500, **common, "alone": 3.0},
    ]
    (tmp_path / "scaling.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    told = run(SCRIPT, "--markdown", "--out", tmp_path / "scaling.jsonl").stdout.splitlines()

    assert told[0] == "| phase | 1,000 | 100,000 |"
    assert "| list | 2,000.0 µs, 5,000 B | 20.0 µs, 50 B |" in told
    assert "| start |  | 12.3 s in all, 5 MB |" in told
    assert "| load, 0 workers | 4,000.0 µs (6,000.0 µs without a loader) |  |" in told


def test_the_page_shows_what_was_measured() -> None:
    page = (BENCHMARKS.parent / "docs" / "measured.md").read_text(encoding="utf-8")
    shown = page.split("<!-- scaling:begin -->")[1].split("<!-- scaling:end -->")[0]
    assert shown.strip() == run(SCRIPT, "--markdown").stdout.strip()


@pytest.mark.slow
def test_it_measures_every_phase_and_skips_what_is_measured(tmp_path: Path) -> None:
    words = [SCRIPT, "--up-to", "1000", "--folder", tmp_path / "kept", "--out", tmp_path / "scaling.jsonl"]

    first = run(*words)
    assert first.returncode == 0, first.stderr
    rows = {row["key"]["phase"]: row for row in map(json.loads, (tmp_path / "scaling.jsonl").read_text().splitlines())}
    assert len(rows) == 10
    assert [rows[f"{what}, first"]["unchanged"] for what in ("check", "prepare")] == [0, 0]
    assert [rows[f"{what}, again"]["unchanged"] for what in ("check", "prepare")] == [1000, 1000]
    assert all(row["seconds"] > 0 and row["process_seconds"] > row["seconds"] for row in rows.values())
    assert rows["start"]["bytes"] > 1_000_000

    again = run(*words)
    assert (again.returncode, again.stdout) == (0, "")
