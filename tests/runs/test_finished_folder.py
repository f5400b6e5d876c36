"""A run folder that is made in one step."""

from __future__ import annotations

from pathlib import Path

import pytest

from visionft.errors import RunError
from visionft.files import digests
from visionft.runs.finished_folder import copy_file, placed


def test_it_is_whole_or_it_is_not_there(tmp_path: Path) -> None:
    out = tmp_path / "new" / "run"
    with placed(out) as partial:
        (partial / "a").write_text("x")
        assert not out.exists()
    assert [path.name for path in out.iterdir()] == ["a"]
    with pytest.raises(ZeroDivisionError), placed(tmp_path / "other"):
        raise ZeroDivisionError
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new"]


def test_a_place_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(RunError, match=r"file/run cannot be made \(.*\); choose another folder with --out"),
        placed(tmp_path / "file" / "run"),
    ):
        raise AssertionError("there is nothing to fill")


def test_a_copy_is_of_a_sound_file_alone(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    (tmp_path / "one" / "a").write_text("x")
    digests.seal(tmp_path / "one")
    copy_file(tmp_path / "one" / "a", tmp_path / "two" / "b")
    assert (tmp_path / "two" / "b").read_text() == "x"
    (tmp_path / "one" / "a").write_text("y")
    with pytest.raises(RunError, match=r"a is damaged \(its digest"):
        copy_file(tmp_path / "one" / "a", tmp_path / "two" / "c")
    with pytest.raises(RunError, match="lacks gone; restore it from a copy or train again"):
        copy_file(tmp_path / "one" / "gone", tmp_path / "two" / "c")
