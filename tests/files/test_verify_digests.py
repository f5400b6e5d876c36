"""Every file of a folder beside its digests.json, each fault in a line."""

from __future__ import annotations

from pathlib import Path

import pytest

from visionft.files import digests
from visionft.files.digests import NAME, Digests
from visionft.files.safe_open import entry_of
from visionft.files.verify_digests import Checked, compare, is_leftover


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text(name)
    digests.seal(tmp_path)
    return tmp_path


def test_a_whole_folder_has_no_fault(folder: Path) -> None:
    found = compare(folder, "bundle")
    assert (found.whole, found.files, found.notes) == (True, 3, ())
    assert str(found) == f"bundle {folder}: 3 files looked at, as written"
    assert found.to_json()["faults"] == []


def test_each_fault_is_a_line_and_what_is_not_ours_is_a_note(folder: Path) -> None:
    (folder / "a.txt").write_text("other")
    (folder / "b.txt").unlink()
    for name in ("mine.txt", "weights.bin", ".x.part"):
        (folder / name).touch()
    found = compare(folder, "run", known={"weights.bin"})
    assert [fault.partition(":")[0] for fault in found.faults] == ["a.txt", "b.txt", "weights.bin"]
    assert found.faults[1:] == ("b.txt: it is missing", f"weights.bin: {NAME} does not list it")
    assert found.notes == ("left by a killed process: .x.part", "not visionft's, so nothing is said of: mine.txt")
    assert str(found).splitlines()[0].endswith(": 4 files looked at, 3 faults")


def test_without_readable_digests_that_is_the_fault(folder: Path) -> None:
    (folder / NAME).write_text("{")
    found = compare(folder, "run")
    assert (len(found.faults), found.files) == (1, 1)
    assert found.faults[0].startswith(f"{NAME}: ")


def test_a_file_that_was_being_removed_may_be_gone(folder: Path) -> None:
    Digests({"a.txt": entry_of(folder / "a.txt"), "b.txt": entry_of(folder / "b.txt")}, {"b.txt": None}).write(folder)
    assert compare(folder, "run").whole
    (folder / "b.txt").unlink()
    assert compare(folder, "run").whole


def test_links_of_a_folder_from_elsewhere_are_not_followed(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "a.txt"
    (folder / "a.txt").rename(elsewhere)
    (folder / "a.txt").symlink_to(elsewhere)
    assert compare(folder, "run").whole
    assert [fault.partition(":")[0] for fault in compare(folder, "bundle", foreign=True).faults] == ["a.txt"]


def test_where_nothing_could_be_compared_that_is_said() -> None:
    assert str(Checked(Path("b"), "bundle", 1, compared=False)) == (
        "bundle b: 1 file looked at, readable; whether as written, nobody can know"
    )


@pytest.mark.parametrize(
    ("name", "is_one"),
    [(".a.part", True), ("x/.b.partial/c", True), ("a.part", False), (".a", False), ("x/.part.txt", False)],
)
def test_leftovers_are_hidden_and_end_like_temporary_files(name: str, is_one: bool) -> None:
    assert is_leftover(name) is is_one


def test_long_lists_of_notes_are_cut(folder: Path) -> None:
    for number in range(8):
        (folder / f"mine{number}").touch()
    [note] = compare(folder, "run").notes
    assert note.endswith("mine3, mine4 and 3 more")
