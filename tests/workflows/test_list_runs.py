"""What was trained here."""

from __future__ import annotations

from pathlib import Path

import pytest

from visionft.errors import RunError, UsageError
from visionft.workflows import list_runs


def test_the_runs_of_the_usual_folder_are_listed_unless_another_is_named(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RunError, match=r"^the folder of runs runs does not exist; give the one that holds what"):
        list_runs()
    (tmp_path / "runs").mkdir()
    assert not list_runs()
    (tmp_path / "runs" / "first").symlink_to(trained)
    assert len(list_runs(trained)) == 1


def test_what_is_no_folder_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match=r"file is not a folder; give the one that holds"):
        list_runs(tmp_path / "file")
    with pytest.raises(UsageError, match=r"^the folder of runs: the path is empty"):
        list_runs("")
