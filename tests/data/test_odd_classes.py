"""Class names that are seldom meant: each kind is told, with the way to mend it."""

from __future__ import annotations

from pathlib import Path

import pytest

from visionft.data.odd_classes import Place, odd_notes, refuse_unprintable
from visionft.errors import DataError

FOLDER = Place(Path("shop"), in_folders=True)
SIDES = Place(None, in_folders=True)
TABLE = Place(None, in_folders=False)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["HAT", "Hat", "hat"], "'HAT', 'Hat' and 'hat' differ in case, blanks or signs alone: if they are one class, "
         "mv -n shop/HAT/* shop/Hat/* shop/hat/"),
        (["shoes", "shoes "], "'shoes ' begin or end with a blank: rename without it"),
        (["t-shirt", "t_shirt"], "'t-shirt' and 't_shirt' differ in case, blanks or signs alone"),
        (["Fruit/apple", "fruit/Apple"], "differ in case, blanks or signs alone"),
        (["hat", "ha\u200bt"], "differ in case, blanks or signs alone"),
        (["1", "1.0", "01", "2"], "'01', '1' and '1.0' are one number: if they are one class, mv -n shop/01/* shop/1/* "
         "shop/1.0/"),
        (["shoe", "shoes"], "'shoe' and 'shoes' are singular and plural: if they are one class"),
        (["berry", "berries"], "are singular and plural"),
        (["dress", "dresses"], "are singular and plural"),
        (["hat", "hat - Copy"], "'hat - Copy' looks like a copy of 'hat': if they are one class"),
        (["hat", "hat (2)"], "looks like a copy of 'hat'"),
        (["hat", "nan", "None"], "'None' and 'nan' read like a value that is missing: if it is no class, move"),
        (["hat", "NULL"], "read like a value that is missing"), (["hat", "NA"], "read like a value that is missing"),
        (["hat", "hat/more"], "'hat' and 'hat/more' are classes of their own, one within the other: to merge them, add "
         "--data.depth 1"),
        (["hat", "New Folder"], "'New Folder' are names that a system gives: if they are no classes, move them out"),
        (["hat", "__MACOSX"], "are names that a system gives"),
        (["=1+1", "hat"], "'=1+1' would be computed by a spreadsheet: rename without the first sign"),
        (["+cap", "hat"], "be computed by a spreadsheet"), (["-cap", "hat"], "be computed by a spreadsheet"),
        (["@cap", "hat"], "would be computed by a spreadsheet"),
    ],
)  # fmt: skip
def test_each_kind_is_told_with_the_way_to_mend_it(names: list[str], words: str) -> None:
    (note,) = odd_notes(FOLDER, names)
    assert note.startswith("odd classes: ")
    assert words in note
    assert "\n" not in note


@pytest.mark.parametrize(
    "names",
    [
        ["hat", "shoes", "dress"], ["Fruit/Apple", "Milk/Oat-Milk"], ["0", "1", "2", "3"], ["00", "01", "02"],
        ["C", "C#", "C++"], ["1.5", "15", "1"], ["1", "x", "y"],
        ["Granny-Smith", "Pink-Lady"], ["bass", "bas relief"],
    ],
)  # fmt: skip
def test_usual_names_are_left_alone(names: list[str]) -> None:
    assert odd_notes(FOLDER, names) == []


def test_numbers_are_told_where_an_index_is_another_number() -> None:
    (note,) = odd_notes(FOLDER, [str(i) for i in range(12)])
    assert "class '10' has index 2; use the names (classes.json), or pad them with zeros from 0 on" in note
    (note,) = odd_notes(FOLDER, ["1", "2", "3"])
    assert "class '1' has index 0" in note


def test_several_kinds_are_one_note() -> None:
    (note,) = odd_notes(FOLDER, ["hat", "HAT", "Hat ", "nan"])
    assert note.count("odd classes") == 1
    assert note.count("; ") == 2


def test_the_way_to_mend_suits_where_the_names_stand() -> None:
    assert "give their folders the name 'hat' in every split" in odd_notes(SIDES, ["HAT", "hat"])[0]
    assert "give them the label 'hat'" in odd_notes(TABLE, ["HAT", "hat"])[0]
    assert "empty those labels" in odd_notes(TABLE, ["nan", "hat"])[0]
    assert "give them one label" in odd_notes(TABLE, ["hat", "hat/more"])[0]
    assert "mv -n '/a b/HAT'/* '/a b/hat'/" in odd_notes(Place(Path("/a b"), in_folders=True), ["HAT", "hat"])[0]


@pytest.mark.parametrize(
    ("name", "shown"),
    [("a\nb", "a\\nb"), ("\x1b[31mred", "\\x1b[31mred"), ("a\tb", "a\\tb"), ("a\u2028", "a\\u2028")],
)
def test_names_that_would_break_lines_or_steer_a_terminal_are_refused(tmp_path: Path, name: str, shown: str) -> None:
    with pytest.raises(DataError) as caught:
        refuse_unprintable(tmp_path, ["hat", name])
    assert str(caught.value) == (
        f"{tmp_path} has a class whose name holds a line break or another control character ('{shown}'): "
        "rename the folder"
    )
    with pytest.raises(DataError, match="mend the label"):
        refuse_unprintable(tmp_path / "list.csv", [name])
    refuse_unprintable(tmp_path, ["hat", "Crème", "帽子", "كلاه"])


@pytest.mark.parametrize(("names", "told"), [
    ([f"{n * 0.37:.2f}" for n in range(20)], True), ([f"{n}e-3" for n in range(40)], True),
    ([f"{n * 0.37:.2f}" for n in range(19)], False), ([*(str(n) for n in range(40)), "hat"], False),
])  # fmt: skip
def test_labels_that_are_quantities_name_the_task_that_learns_them(names: list[str], told: bool) -> None:
    words = f"the {len(names)} labels are numbers: to learn a number for each photo, add --task regression"
    assert any(words in note for note in odd_notes(TABLE, names)) == told
    assert not any("regression" in note for note in odd_notes(FOLDER, names))


@pytest.mark.parametrize(("names", "told"), [
    (["red|cotton", "blue", "red"], True), (["red | wool", "blue|wool"], True), (["a|b", "c|d"], False),
])  # fmt: skip
def test_labels_that_hold_several_name_the_task_that_learns_each(names: list[str], told: bool) -> None:
    words = "look like several labels in one: to learn each of them, add --task multilabel"
    assert any(words in note for note in odd_notes(TABLE, names)) == told
    assert not any("multilabel" in note for note in odd_notes(FOLDER, names))
