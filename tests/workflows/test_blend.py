"""What blend asks of a run, and where the new one goes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from visionft import finishing
from visionft.errors import RunError
from visionft.finishing import TENTHS
from visionft.workflows import blend


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """Return what the work was asked; it does nothing here."""
    calls: list[tuple[Any, ...]] = []

    def noted(run: Any, out: Path, coefficients: Any, say: Any) -> Any:
        calls.append((run.path, out, coefficients))
        return run

    monkeypatch.setattr(finishing, "blend", noted)
    for name in ("evaluate_once", "report_once"):
        monkeypatch.setitem(blend.__globals__, name, lambda *_, **__: None)
    return calls


def test_the_new_run_lies_beside_the_old_one_unless_it_is_told(
    asked: list[tuple[Any, ...]], trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blend(trained)
    blend(trained, tmp_path / "new", coefficients=[0.2, 0.4])
    monkeypatch.chdir(trained)
    blend(".")
    monkeypatch.chdir(trained / "evaluation")
    blend("..")
    assert asked == [
        (trained, trained.with_name("run-blend"), TENTHS),
        (trained, tmp_path / "new", (0.2, 0.4)),
        (Path(), trained.with_name("run-blend"), TENTHS),
        (Path(".."), trained.with_name("run-blend"), TENTHS),
    ]


def test_photos_that_moved_are_said(asked: list[tuple[Any, ...]], trained: Path, shapes: Path, tmp_path: Path) -> None:
    import shutil

    said: list[str] = []
    blend(trained, data=shutil.copytree(shapes, tmp_path / "moved"), say=said.append)
    assert said
    assert all(line.startswith("note: ") for line in said)
    with pytest.raises(RunError, match="there is no run or bundle at"):
        blend(tmp_path / "gone")
