"""What the caches hold, and that emptying them stays inside them."""

from __future__ import annotations

from pathlib import Path

import pytest

from visionft.data.caches import cache_folder
from visionft.data.caches.inventory import KINDS, LINK, OTHERS, Kept, clear, inventory


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "cache"
    monkeypatch.setenv(cache_folder.VARIABLE, str(place))
    return place


def plant(path: Path, size: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    return path


def test_where_nothing_is_kept_nothing_is_listed_or_made(root: Path) -> None:
    assert inventory() == clear() == []
    assert not root.exists()


def test_every_folder_is_listed_with_what_it_holds(root: Path) -> None:
    plant(root / "scans" / "a", 5)
    plant(root / "decoded" / "264-x" / "ab" / "abc", 10)
    plant(root / "decoded" / "176-x" / "cd" / "cde", 20)
    plant(root / "letters" / "a", 1)
    assert inventory() == [
        Kept("decoded", root / "decoded", KINDS["decoded"], 2, 30),
        Kept("letters", root / "letters", OTHERS, 1, 1),
        Kept("scans", root / "scans", KINDS["scans"], 1, 5),
    ]


def test_clearing_removes_what_visionft_made_and_says_what_it_freed(root: Path) -> None:
    plant(root / "decoded" / "264-x" / "ab" / "abc", 10)
    plant(root / "scans" / "a", 5)
    others = [plant(root / "letters" / "a", 1), plant(root / "note.txt", 1), plant(root.parent / "thesis", 1)]
    freed = clear()
    assert [(kept.name, kept.files, kept.bytes) for kept in freed] == [("decoded", 1, 10), ("scans", 1, 5)]
    assert all(path.exists() for path in others)
    assert not (root / "decoded").exists()
    assert not (root / "scans").exists()
    assert clear() == []


def test_links_lead_nowhere(root: Path) -> None:
    outside = root.parent / "outside"
    photo = plant(outside / "photo", 7)
    plant(root / "decoded" / "264-x" / "abc", 10)
    (root / "decoded" / "264-x" / "away").symlink_to(outside)
    (root / "decoded" / "264-x" / "file").symlink_to(photo)
    (root / "scans").symlink_to(outside)
    assert [(kept.name, kept.meaning, kept.files) for kept in inventory()] == [
        ("decoded", KINDS["decoded"], 3),
        ("scans", LINK, 0),
    ]
    clear()
    assert photo.read_bytes() == b"x" * 7
    assert not (root / "decoded").exists()
    assert (root / "scans").is_symlink()
