"""What can never be a place, or cannot be written down, is told before any work."""

from __future__ import annotations

from pathlib import Path

import pytest

from visionft.errors import UsageError
from visionft.files.paths import require_place, unreachable, unspoken


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("", "the path is empty; give one, such as . for this folder"),
        ("a\0b", "a\\x00b holds a NUL character, which no path has; leave it out"),
        ("a\udcff", "is not UTF-8, and could not be written into any record; rename it, such as by `convmv"),
    ],
)
def test_words_that_are_no_path(place: str, words: str) -> None:
    found = unspoken(place)
    assert found is not None
    assert words in found
    assert unreachable(place) == found, "no disk is asked for it"
    assert unspoken("grüße/a b") is None


def test_places_that_the_system_refuses(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    found = {name: unreachable(tmp_path / name) for name in ("file/x", "loop", "n" * 300, "new/deep", "file", ".")}
    assert str(found["file/x"]).endswith("lies below a file; give a path whose parents are folders")
    assert str(found["loop"]).endswith("is a link that leads back to itself; give the folder or file that is meant")
    assert str(found["n" * 300]).endswith("... is longer than the file system takes; give a shorter path")
    assert [found[name] for name in ("new/deep", "file", ".")] == [None] * 3, "what is not there yet is fine"


def test_a_refusal_begins_with_the_name_it_was_given_by(tmp_path: Path) -> None:
    require_place(tmp_path, "--out")
    with pytest.raises(UsageError, match=r"^--out: the path is empty; give one"):
        require_place("", "--out")
