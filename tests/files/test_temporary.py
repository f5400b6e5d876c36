"""New files have the rights that the umask leaves, and a name that nobody prepared something under."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from torch import nn

from tests.disks import small
from visionft.bundle.predictions import Predictions
from visionft.files import digests, temporary
from visionft.files.atomic_folder import placed_folder
from visionft.files.temporary import new_file, new_folder, reason_of, why_not_written
from visionft.runs import atomic_write, finished_folder
from visionft.runs.weights_file import write_weights


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def rights(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.mark.parametrize("mask", [0o077, 0o022, 0o002, 0o027])
def test_everything_that_is_written_heeds_the_umask(tmp_path: Path, mask: int) -> None:
    with umask(mask):
        atomic_write.write_text(tmp_path / "text", "x")
        atomic_write.write_json(tmp_path / "json", {})
        digests.begin(tmp_path)
        with finished_folder.placed(tmp_path / "run") as folder:
            atomic_write.write_text(folder / "inner", "x")
        with placed_folder(tmp_path / "bundle", replace=True) as folder:
            (folder / "inner").write_text("x")
        Predictions(()).write(tmp_path / "answers.csv")
        write_weights(tmp_path / "weights", nn.Linear(2, 2))
    for name in ("weights", "text", "json", "digests.json", "run/inner", "bundle/inner", "answers.csv"):
        assert rights(tmp_path / name) == 0o666 & ~mask, name
    for name in ("run", "bundle"):
        assert rights(tmp_path / name) == 0o777 & ~mask, name


def test_the_umask_of_other_threads_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def changed(mask: int) -> int:
        raise AssertionError(f"the umask was set to {mask:o}, for {threading.active_count()} threads")

    monkeypatch.setattr(os, "umask", changed)
    monkeypatch.setattr(Path, "chmod", lambda *_: pytest.fail("rights were changed"))
    atomic_write.write_text(tmp_path / "text", "x")
    with placed_folder(tmp_path / "bundle", replace=True):
        pass


def test_names_are_new_each_time_and_what_is_there_is_never_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len({new_file(tmp_path / "a", ".part").name for _ in range(50)}) == 50
    (tmp_path / "victim").write_text("mine")
    tokens = iter(["taken", "linked", "free"] * 2)
    monkeypatch.setattr(temporary.secrets, "token_hex", lambda _: next(tokens))
    (tmp_path / ".b.taken.part").touch()
    (tmp_path / ".b.linked.part").symlink_to("victim")
    assert new_file(tmp_path / "b", ".part").name == ".b.free.part"
    (tmp_path / ".c.taken.part").mkdir()
    (tmp_path / ".c.linked.part").symlink_to(tmp_path)
    assert new_folder(tmp_path / "c", ".part").name == ".c.free.part"
    assert (tmp_path / "victim").read_text() == "mine"


def test_answers_are_not_written_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("mine")
    (tmp_path / ".answers.csv.partial").symlink_to("victim")
    Predictions(()).write(tmp_path / "answers.csv")
    assert (tmp_path / "victim").read_text() == "mine"
    assert (tmp_path / ".answers.csv.partial").is_symlink()
    assert not (tmp_path / "answers.csv").is_symlink()


def test_no_name_left_is_an_error_of_the_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(temporary.secrets, "token_hex", lambda _: "same")
    new_file(tmp_path / "a", ".part")
    with pytest.raises(FileExistsError):
        new_file(tmp_path / "a", ".part")


def test_why_a_file_does_not_grow(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    assert why_not_written(tmp_path / "a") is None
    with small(tmp_path / "disk", "100k") as disk:
        (disk / "a").touch()
        error = why_not_written(disk / "a")
        assert error is not None
        assert reason_of(error) == "the disk is full"
    assert reason_of(OSError(27, os.strerror(27))).startswith("the file would be larger than this process may write")
    assert reason_of(OSError(5, os.strerror(5))) == "Input/output error"
    assert reason_of(OSError("odd")) == "odd"
