"""Which files are taken for photos, in which order, and what is passed over."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from visionft.errors import DataError
from visionft.photos import Quarantined, find, printable, steers, walk


def tree(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def test_a_walk_is_sorted_and_passes_over_junk(tmp_path: Path) -> None:
    tree(tmp_path, "b/2.jpg", "b/10.jpg", "a/x.png", "a.jpg", "a-b/1.jpg", "c/notes.txt")
    tree(tmp_path, "__MACOSX/b/._2.jpg", "b/@eaDir/2.jpg", "b/.ipynb_checkpoints/2.jpg", "a/.DS_Store", "a/Thumbs.db")
    files, passed = walk(tmp_path)
    names = [path.relative_to(tmp_path).as_posix() for path in files]
    assert names == ["a-b/1.jpg", "a.jpg", "a/x.png", "b/10.jpg", "b/2.jpg", "c/notes.txt"]
    assert [(Path(item.path).relative_to(tmp_path).as_posix(), item.reason) for item in passed] == [
        ("__MACOSX", "folder made by a system, not photos"),
        ("a/.DS_Store", "hidden file"),
        ("a/Thumbs.db", "file made by a system, not photos"),
        ("b/.ipynb_checkpoints", "hidden folder"),
        ("b/@eaDir", "folder made by a system, not photos"),
    ]


def test_loops_of_links_end(tmp_path: Path) -> None:
    tree(tmp_path, "a/1.jpg")
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    (tmp_path / "b").symlink_to(tmp_path / "a")
    (tmp_path / "self").symlink_to(tmp_path / "self")
    (tmp_path / "gone.jpg").symlink_to(tmp_path / "nowhere")
    files, passed = walk(tmp_path)
    assert [path.name for path in files] == ["1.jpg", "gone.jpg", "self"]
    assert {item.reason for item in passed} == {"a link to a folder that was already read"}
    assert len(passed) == 2


def test_a_folder_behind_a_link_is_read(tmp_path: Path) -> None:
    tree(tmp_path, "store/1.jpg")
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "shoes").symlink_to(tmp_path / "store")
    assert find([tmp_path / "photos"])[0] == [tmp_path / "photos" / "shoes" / "1.jpg"]


def test_odd_names_do_not_crash(tmp_path: Path) -> None:
    tree(tmp_path, "a\nb.jpg", "ü 'q\".jpg", "[1].jpg", "-x.jpg")
    try:
        (tmp_path / os.fsdecode(b"caf\xe9.jpg")).write_bytes(b"x")
    except OSError:
        pytest.skip("this file system takes no names that are not UTF-8")
    files, passed = walk(tmp_path)
    assert {path.name for path in files} == {"a\nb.jpg", "ü 'q\".jpg", "[1].jpg", "-x.jpg"}
    assert [item.reason for item in passed] == ["the name of the file is not UTF-8: rename it"]
    assert passed[0].path.endswith("caf\\xe9.jpg")
    assert json.loads(json.dumps(passed[0].to_json()).encode())["path"] == passed[0].path
    assert find([str(tmp_path / "[1].jpg")])[0] == [tmp_path / "[1].jpg"]


def test_a_folder_that_cannot_be_listed_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree(tmp_path, "a/1.jpg", "b/1.jpg")
    scandir = os.scandir

    def refuse(folder: str) -> object:
        if str(folder).endswith("/a"):
            raise PermissionError(13, "Permission denied")
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    files, passed = walk(tmp_path)
    assert files == [tmp_path / "b" / "1.jpg"]
    assert passed == [Quarantined(str(tmp_path / "a"), "cannot be listed (Permission denied)")]


def test_places_are_photos_folders_and_globs(tmp_path: Path) -> None:
    tree(tmp_path, "a/1.jpg", "a/deep/2.jpg", "b/3.png", "b/.hidden.jpg", "b/.git/x")
    a, b = tmp_path / "a", tmp_path / "b"
    assert find([b / "3.png", str(a)])[0] == [b / "3.png", a / "1.jpg", a / "deep" / "2.jpg"]
    assert find([str(tmp_path / "**" / "*.jpg")])[0] == [a / "1.jpg", a / "deep" / "2.jpg"]
    assert find([str(tmp_path / "*")])[0] == [a / "1.jpg", a / "deep" / "2.jpg", b / "3.png"]
    assert find([a, a / "1.jpg", str(a / "*.jpg")])[0] == [a / "1.jpg", a / "deep" / "2.jpg"]
    assert find([b / ".hidden.jpg"]) == ([b / ".hidden.jpg"], [])
    assert {item.reason for item in find([b, b])[1]} == {"hidden file", "hidden folder"}
    assert len(find([b, b])[1]) == 2
    assert find([]) == ([], [])


@pytest.mark.parametrize("place", ["missing.jpg", "*.gif", "empty", "caf\udce9"])
def test_a_place_without_photos_is_an_error(tmp_path: Path, place: str) -> None:
    tree(tmp_path, "a/1.jpg")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds or matches no photo; give the path of a photo, of a folder") as caught:
        find([tmp_path / "a", str(tmp_path / place)])
    assert str(caught.value).encode()


def test_a_place_with_junk_alone_says_what_was_there(tmp_path: Path) -> None:
    tree(tmp_path, "photos/.hidden.jpg")
    with pytest.raises(
        DataError, match=r"holds no photo; 1 things were passed over, first .*\.hidden\.jpg \(hidden file\)"
    ):
        find([tmp_path / "photos"])


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a\nb.jpg", "a\\nb.jpg"),
        ("a\x1b[2Jb", "a\\x1b[2Jb"),
        ("\u202egpj.exe", "\\u202egpj.exe"),
        ("a\u2028b", "a\\u2028b"),
        ("caf\udce9", "caf\\xe9"),
        ("Crème 🧢", "Crème 🧢"),
    ],
)
def test_what_would_steer_a_terminal_is_escaped(name: str, shown: str) -> None:
    assert printable(name) == shown
    assert not steers(shown)
