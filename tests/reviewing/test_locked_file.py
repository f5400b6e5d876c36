"""A file that several add to: the lock, and all of it or nothing."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

import pytest

from visionft.reviewing.locked_file import append_whole, open_locked, read_from, sync_folder


def test_the_lock_is_held_until_the_file_closes(tmp_path: Path) -> None:
    with open_locked(tmp_path / "a"), (tmp_path / "a").open("rb") as other, pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with (tmp_path / "a").open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_what_is_added_is_read_from_any_place(tmp_path: Path) -> None:
    with open_locked(tmp_path / "a") as file:
        append_whole(file.fileno(), b"one\n")
        append_whole(file.fileno(), b"two\n" * 500_000)
        assert read_from(file.fileno(), 4) == b"two\n" * 500_000
        assert read_from(file.fileno(), 1 << 30) == b""
    sync_folder(tmp_path)


@pytest.mark.parametrize("at", [1, 2])
def test_what_cannot_be_written_whole_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int) -> None:
    written: list[int] = []

    def write(descriptor: int, data: bytes, real: object = os.write) -> int:
        written.append(len(data))
        if len(written) == at:
            raise OSError(errno.ENOSPC, "full")
        assert callable(real)
        return int(real(descriptor, bytes(data)[:3]))

    with open_locked(tmp_path / "a") as file:
        append_whole(file.fileno(), b"kept\n")
        monkeypatch.setattr(os, "write", write)
        with pytest.raises(OSError, match="full"):
            append_whole(file.fileno(), b"a longer line\n")
    assert (tmp_path / "a").read_bytes() == b"kept\n"
