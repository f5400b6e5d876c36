"""A regular file within its bound is opened; everything else is one phrase, at once."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from visionft.files.safe_open import UnreadableError, entry_of, opened, read_bytes, require_file


def test_a_file_is_read_whole(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert read_bytes(tmp_path / "a", 3) == b"abc"
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2, appendix B.1
    assert (entry_of(tmp_path / "a").bytes, entry_of(tmp_path / "a").sha256) == (3, digest)


def listen(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


KINDS: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (lambda path: None, "it is missing"),
    "folder": (Path.mkdir, "it is a folder"),
    "FIFO": (os.mkfifo, "it is a FIFO"),
    "socket": (listen, "it is a socket"),
    "loop": (lambda path: path.symlink_to(path.name), "it is a link in a circle"),
    "dangling": (lambda path: path.symlink_to("nowhere"), "it is missing"),
    "device": (lambda path: path.symlink_to("/dev/zero"), "it is a device"),
    "large": (lambda path: path.write_bytes(b"12345"), "5 bytes, where at most 4 are read"),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.timeout(5)
def test_what_is_no_file_is_refused_without_waiting(tmp_path: Path, kind: str) -> None:
    make, words = KINDS[kind]
    make(tmp_path / "a")
    for call in (read_bytes, entry_of, require_file):
        with pytest.raises(UnreadableError, match=f"^{words}$"):
            call(tmp_path / "a", 4)


def test_below_a_file_there_is_none(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    with pytest.raises(UnreadableError, match=r"^not a directory$"):
        read_bytes(tmp_path / "a" / "b")


def test_a_file_that_grows_past_its_bound_is_refused() -> None:
    with pytest.raises(UnreadableError, match=r"^more than the 10 bytes that are read$"):
        read_bytes(Path("/proc/self/maps"), 10)  # the kernel says that it has 0


def test_links_are_followed_but_not_in_a_folder_from_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "folder" / "in").mkdir(parents=True)
    (tmp_path / "elsewhere").write_bytes(b"secret")
    (tmp_path / "folder" / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "folder" / "out").symlink_to(tmp_path)
    (tmp_path / "folder" / "in" / "file").write_bytes(b"own")
    folder = tmp_path / "folder"
    assert read_bytes(folder / "link") == read_bytes(folder / "out" / "elsewhere") == b"secret"
    assert read_bytes(folder / "in" / "file", inside=folder) == b"own"
    for name in ("link", "out/elsewhere"):
        with pytest.raises(UnreadableError, match=r"^it is a link$"):
            read_bytes(folder / name, inside=folder)
    with pytest.raises(UnreadableError, match=r"^it is not in .*folder$"):
        read_bytes(folder / ".." / "elsewhere", inside=folder)


def test_faults_while_reading_are_said(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    with pytest.raises(UnreadableError, match=r"^input/output error$"), opened(tmp_path / "a", 1):
        raise OSError(5, os.strerror(5))
