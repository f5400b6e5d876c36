"""One walker: links, loops, depth, and what is no regular file."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from visionft.photos import Folder, Quarantined, Walk, above, doubles, find, without
from visionft.photos.walk import NOT_REGULAR, READ_ALREADY

Deep = Callable[[Path, str, int, str], None]


def plant(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return root


def walked(root: Path) -> tuple[dict[str, list[str]], dict[str, str]]:
    walk = Walk(root)
    files = {folder.path: folder.files for folder in walk}
    return files, {item.path: item.reason for item in walk.quarantine}


def test_folders_come_depth_first_in_order_of_their_names_and_know_their_own(tmp_path: Path) -> None:
    plant(tmp_path, "b/2.jpg", "a/y/1.jpg", "a/x/1.jpg", "a.jpg")
    folders = list(Walk(tmp_path))
    assert [folder.path for folder in folders] == ["", "a", "a/x", "a/y", "b"]
    assert (folders[0].files, folders[0].folders, folders[1].folders) == (["a.jpg"], ["a", "b"], ["x", "y"])


def test_a_link_to_a_folder_above_is_set_aside_and_everything_else_stays(tmp_path: Path) -> None:
    plant(tmp_path, "hat/a.jpg", "cap/b.jpg", "shoe/c.jpg")
    (tmp_path / "cap" / "loop").symlink_to(tmp_path)
    (tmp_path / "hat" / "self").symlink_to(tmp_path / "hat")
    files, aside = walked(tmp_path)
    assert {path for path, names in files.items() if names} == {"hat", "cap", "shoe"}
    assert aside == {"cap/loop": READ_ALREADY, "hat/self": READ_ALREADY}


def test_a_link_to_a_neighbour_never_takes_the_neighbours_photos_away(tmp_path: Path) -> None:
    plant(tmp_path, "a/1.jpg", "b/2.jpg")
    (tmp_path / "a" / "to-b").symlink_to(tmp_path / "b")
    folders = list(Walk(tmp_path))
    assert doubles(folders) == {"a/to-b"}


def test_nine_folders_that_link_to_each_other_end_soon(tmp_path: Path) -> None:
    names = [f"f{i}" for i in range(9)]
    plant(tmp_path, *(f"{name}/photo.jpg" for name in names))
    for name in names:
        for other in names:
            if other != name:
                (tmp_path / name / f"to-{other}").symlink_to(tmp_path / other)
    began = time.monotonic()
    folders = list(Walk(tmp_path))
    assert time.monotonic() - began < 5
    assert len(folders) < 10 * 9 * 9
    real = doubles(folders)
    assert sorted(folder.path for folder in folders if folder.path not in real) == ["", *names]
    files, passed = find([tmp_path])
    assert [path.relative_to(tmp_path).as_posix() for path in files] == [f"{name}/photo.jpg" for name in names]
    assert {item.reason for item in passed} == {READ_ALREADY}


def test_a_folder_elsewhere_behind_two_links_is_read_once(tmp_path: Path) -> None:
    store, root = plant(tmp_path / "store", "1.jpg"), tmp_path / "photos"
    root.mkdir()
    for name in ("x", "y"):
        (root / name).symlink_to(store)
    files, passed = find([root])
    assert files == [root / "x" / "1.jpg"]
    assert passed == [Quarantined(str(root / "y"), READ_ALREADY)]


def test_1500_nested_folders_are_walked(tmp_path: Path, deep: Deep) -> None:
    deep(tmp_path, "d", 1500, "deep.jpg")
    files, aside = walked(plant(tmp_path, "hat/a.jpg"))
    found = next(path for path, names in files.items() if names == ["deep.jpg"])
    assert (found.count("d"), aside) == (1500, {})


def test_folders_nested_beyond_what_the_system_takes_are_set_aside(tmp_path: Path, deep: Deep) -> None:
    deep(tmp_path, "d" * 200, 30, "deep.jpg")
    files, aside = walked(plant(tmp_path, "hat/a.jpg"))
    assert files["hat"] == ["a.jpg"]
    assert list(aside.values()) == ["cannot be listed (File name too long)"]


def test_what_is_no_regular_file_is_never_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(tmp_path, "hat/a.jpg")
    os.mkfifo(tmp_path / "hat" / "pipe.jpg")
    (tmp_path / "hat" / "null.jpg").symlink_to("/dev/null")
    (tmp_path / "hat" / "to-pipe.jpg").symlink_to("pipe.jpg")
    with socket.socket(socket.AF_UNIX) as listening:
        monkeypatch.chdir(tmp_path / "hat")  # the address of a socket is short
        listening.bind("socket.jpg")
    files, aside = walked(tmp_path)
    assert files["hat"] == ["a.jpg"]
    assert aside == {f"hat/{name}.jpg": NOT_REGULAR for name in ("null", "pipe", "socket", "to-pipe")}


def test_a_broken_link_is_taken_for_a_file_that_opening_will_explain(tmp_path: Path) -> None:
    plant(tmp_path, "hat/a.jpg")
    (tmp_path / "hat" / "gone.jpg").symlink_to(tmp_path / "nowhere")
    (tmp_path / "hat" / "self.jpg").symlink_to("self.jpg")
    assert walked(tmp_path)[0]["hat"] == ["a.jpg", "gone.jpg", "self.jpg"]


def test_a_folder_that_cannot_be_listed_costs_itself_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(tmp_path, "a/1.jpg", "b/1.jpg")
    scandir = os.scandir

    def refuse(folder: str) -> object:
        if folder.endswith("/a"):
            raise PermissionError(13, "Permission denied")
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    files, aside = walked(tmp_path)
    assert (files, aside) == ({"": [], "b": ["1.jpg"]}, {"a": "cannot be listed (Permission denied)"})


def test_the_name_with_the_fewest_links_stays() -> None:
    folders = [Folder("a", [], [], (1, 1), 1), Folder("b", [], [], (1, 1), 0), Folder("c", [], [], (1, 1), 2)]
    assert doubles(folders) == {"a", "c"}


def test_what_lies_in_a_folder_left_out_is_told_by_one_entry() -> None:
    aside = [Quarantined("a/x/.hidden", "hidden file"), Quarantined("b/.hidden", "hidden file")]
    assert without({"a", "a/x"}, aside) == [aside[1], Quarantined("a", READ_ALREADY)]


def test_the_folders_above_a_path() -> None:
    assert (above("a/b/c"), above("a"), above("")) == (["", "a", "a/b"], [""], [])
