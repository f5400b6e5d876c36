"""A file is whole, or it is not there."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import pytest

from visionft.files.atomic_file import PARTIAL, atomic_file, locked_folder, sweep_files


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def fail(file: Path) -> NoReturn:
    """Write a half of a file, and fail."""
    file.write_text("half")
    raise ZeroDivisionError


def test_what_was_there_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    place = tmp_path / "a.bin"
    place.write_text("old")
    with atomic_file(place) as partial:
        partial.write_text("new")
        assert place.read_text() == "old"
        assert partial.name.startswith(".")
    assert place.read_text() == "new"
    assert names(tmp_path) == ["a.bin"]


def test_a_failure_leaves_nothing_and_the_old_file(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_text("old")
    for name in ("a.bin", "b.bin"):
        with pytest.raises(ZeroDivisionError), atomic_file(tmp_path / name) as partial:
            fail(partial)
    assert names(tmp_path) == ["a.bin"]
    assert (tmp_path / "a.bin").read_text() == "old"


def test_the_system_s_refusal_comes_through(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), atomic_file(tmp_path / "gone" / "a.bin"):
        raise AssertionError("there is nothing to fill")


def test_what_killed_processes_left_is_swept_and_nothing_else(tmp_path: Path) -> None:
    for name in (f".a.bin.1{PARTIAL}", f"a{PARTIAL}", ".hidden", "a.bin"):
        (tmp_path / name).touch()
    sweep_files(tmp_path)
    assert names(tmp_path) == [".hidden", "a.bin", f"a{PARTIAL}"]


def test_a_folder_is_held_by_one_at_a_time(tmp_path: Path) -> None:
    with locked_folder(tmp_path), pytest.raises(BlockingIOError), locked_folder(tmp_path):
        raise AssertionError("it is held")
    with locked_folder(tmp_path):
        pass
