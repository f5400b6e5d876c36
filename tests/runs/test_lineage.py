"""The runs that another run depends on."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from visionft.errors import RunError
from visionft.runs import Run
from visionft.runs.lineage import Origin, lineage


def test_an_origin_is_what_the_run_was_then_and_opens_it_again(trained: Path) -> None:
    run = Run.open(trained)
    origin = Origin.of(run)
    assert Origin(**origin.to_json()) == origin
    assert (origin.path, origin.weights_sha256) == (str(trained.absolute()), run.weights_sha256)
    assert origin.reopen(trained).path == trained


def test_a_run_that_is_gone_or_has_other_weights_is_said(trained: Path, tmp_path: Path) -> None:
    origin = Origin.of(Run.open(trained))
    words = "that this one was taught by is not there any more; put it back, or name its new place with --distill"
    with pytest.raises(RunError, match=words):
        origin.reopen(tmp_path / "gone", "was taught by", "--distill")
    with pytest.raises(
        RunError, match="has other weights than it had; restore them from a copy, or give another --out"
    ):
        replace(origin, weights_sha256="0").reopen(trained)


def test_the_way_back_ends_at_the_first_run_that_is_gone(trained: Path, tmp_path: Path) -> None:
    first = Path(shutil.copytree(trained, tmp_path / "first"))
    told = Origin.of(Run.open(first)).to_json()
    run: Any = SimpleNamespace(path=Path("second"), origin=told)
    assert lineage(run) == ([Path("second"), first], None)
    run.origin = {**told, "origin": {**told, "path": str(tmp_path / "gone")}}
    assert lineage(run) == ([Path("second"), first], str(tmp_path / "gone"))
    run.origin = {**told, "data_fingerprint": "other"}
    assert lineage(run) == ([Path("second")], str(first)), "another run lies there now"
    assert lineage(Run.open(trained)) == ([trained], None)
