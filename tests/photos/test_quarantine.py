"""What is passed over by its name alone."""

from __future__ import annotations

import pytest

from visionft.photos.quarantine import IGNORED_FOLDERS, Quarantined, junk


@pytest.mark.parametrize(
    ("name", "folder", "reason"),
    [
        ("shoes", True, None),
        ("a.jpg", False, None),
        (".git", True, "hidden folder"),
        ("._a.jpg", False, "hidden file"),
        ("__MACOSX", True, "folder made by a system, not photos"),
        ("__MACOSX", False, None),
        ("Thumbs.db", False, "file made by a system, not photos"),
        ("Thumbs.db", True, None),
        ("a\udcff", False, "the name of the file is not UTF-8: rename it"),
        ("a\udcff", True, "the name of the folder is not UTF-8: rename it"),
    ],
)
def test_junk_is_told_by_name_and_kind(name: str, folder: bool, reason: str | None) -> None:
    assert junk(name, folder=folder) == reason


def test_every_folder_that_systems_leave_is_junk_and_an_entry_is_plain() -> None:
    assert all(junk(name, folder=True) for name in IGNORED_FOLDERS)
    assert Quarantined("a.jpg", "truncated").to_json() == {"path": "a.jpg", "reason": "truncated"}
