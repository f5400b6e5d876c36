"""digests.json is right at every moment, whatever is killed when."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import NoReturn

import pytest

from visionft.files import digests
from visionft.files.digests import NAME, Digests
from visionft.files.safe_open import Entry, UnreadableError

MOST = 1 << 20


def entry(text: str) -> Entry:
    return Entry(len(text.encode()), sha256(text.encode()).hexdigest())


def killed(file: Path, text: str) -> NoReturn:
    """Write a file, and die."""
    file.write_text(text)
    raise KeyboardInterrupt


@pytest.fixture
def run(tmp_path: Path) -> Path:
    (tmp_path / "evaluation" / "test").mkdir(parents=True)
    (tmp_path / "a.txt").write_text("one")
    (tmp_path / "evaluation" / "test" / "m.json").write_text("{}")
    digests.seal(tmp_path)
    return tmp_path


def test_a_sealed_folder_lists_every_file_with_size_and_digest(run: Path) -> None:
    assert Digests.read(run).files == {"a.txt": entry("one"), "evaluation/test/m.json": entry("{}")}
    assert digests.verify(run / "a.txt", MOST) == entry("one")
    assert digests.keeper_of(run / "evaluation" / "test" / "m.json") == run
    assert digests.keeper_of(run / "other" / "m.json") is None, "another folder answers for itself"


def test_a_change_is_found_by_its_digest_and_another_size_is_said(run: Path) -> None:
    (run / "a.txt").write_text("two")
    with pytest.raises(UnreadableError, match=f"^its digest is not the one in {NAME}$"):
        digests.verify(run / "a.txt", MOST)
    (run / "a.txt").write_text("longer")
    with pytest.raises(UnreadableError, match=r"^6 bytes, written as 3, and its digest is not the one"):
        digests.verify(run / "a.txt", MOST)
    (run / "b.txt").write_text("new")
    with pytest.raises(UnreadableError, match=f"^{NAME} does not list it$"):
        digests.verify(run / "b.txt", MOST)


def test_a_change_cut_short_leaves_a_file_that_is_the_one_or_the_other(run: Path) -> None:
    for text in ("one", "two"):  # killed before the step, and after it
        digests.seal(run)
        with pytest.raises(KeyboardInterrupt), digests.changing(run / "a.txt", entry("two")):
            killed(run / "a.txt", text)
        assert Digests.read(run).pending == {"a.txt": entry("two")}
        assert digests.verify(run / "a.txt", MOST) == entry(text)
        (run / "a.txt").write_text("one")


def test_the_next_change_settles_the_one_before(run: Path) -> None:
    with pytest.raises(KeyboardInterrupt), digests.changing(run / "a.txt", entry("two")):
        killed(run / "a.txt", "two")
    with digests.changing(run / "a.txt", entry("three")):
        (run / "a.txt").write_text("three")
    found = Digests.read(run)
    assert (found.files["a.txt"], found.pending) == (entry("three"), {})
    with digests.changing(run / "a.txt", None):
        (run / "a.txt").unlink()
    assert "a.txt" not in Digests.read(run).files


def test_a_file_that_is_gone_after_a_cut_is_settled_as_gone(run: Path) -> None:
    found = Digests({"a.txt": entry("one")}, {"a.txt": None})
    (run / "a.txt").unlink()
    found.settle(run, "a.txt")
    assert (found.files, found.pending) == ({}, {})


def test_without_digests_nothing_is_recorded_or_compared(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one")
    with digests.changing(tmp_path / "a.txt", entry("two")):
        (tmp_path / "a.txt").write_text("two")
    assert digests.verify(tmp_path / "a.txt", MOST) == entry("two")
    assert not (tmp_path / NAME).exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"format": 2, "files": {}}, "it is of format 2, and this visionft reads 1"),
        ({"format": 1}, "it holds no digests"),
        ({"format": 1, "files": {"../a": {"bytes": 1, "sha256": "x"}}}, "it holds no digests"),
        ({"format": 1, "files": {"/a": {"bytes": 1, "sha256": "x"}}}, "it holds no digests"),
        ({"format": 1, "files": {"a": {"bytes": "1", "sha256": "x"}}}, "it holds no digests"),
        ({"format": 1, "files": []}, "it holds no digests"),
    ],
)
def test_what_holds_no_digests_is_said(run: Path, content: object, words: str) -> None:
    (run / NAME).write_text(json.dumps(content))
    with pytest.raises(UnreadableError, match=words):
        Digests.read(run)
    with pytest.raises(UnreadableError, match=f"^{NAME} beside it cannot be used: {words}"):
        digests.verify(run / "a.txt", MOST)


def test_names_that_are_no_text_are_spelt_out(tmp_path: Path) -> None:
    assert digests.key(tmp_path, tmp_path / "a" / "b\udcff") == "a/b\\xff"
