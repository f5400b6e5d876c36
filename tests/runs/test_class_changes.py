"""Which class keeps which row of the head."""

from __future__ import annotations

import pytest

from visionft.classes import Classes
from visionft.errors import UsageError
from visionft.runs.class_changes import succeed

OLD = Classes.of(["Fruit/Apple", "Fruit/Pear", "hat", "shoe"])


def test_kept_new_and_retired() -> None:
    found = succeed(OLD, Classes.of(["Fruit/Pear", "bag", "hat"]), None)
    assert found.rows == (1, None, 2)
    assert found.kept == (("Fruit/Pear", "Fruit/Pear"), ("hat", "hat"))
    assert (found.added, found.retired, found.new_rows) == (("bag",), ("Fruit/Apple", "shoe"), (1,))
    assert str(found) == "classes: 2 kept, 1 new (bag), 2 retired (Fruit/Apple and shoe)"


def test_a_renamed_class_moves_its_row() -> None:
    renamed = {"hat": "cap", "shoe": "boot", "Fruit/Apple": "fruit/apples"}
    found = succeed(OLD, Classes.of(["Fruit/Pear", "boot", "cap", "fruit/apples"]), renamed)
    assert found.rows == (1, 3, 2, 0)
    assert str(found).startswith("classes: 4 kept, 3 of them renamed (shoe to boot, hat to cap and Fruit/Apple to")


def test_two_classes_may_change_names() -> None:
    found = succeed(OLD, OLD, {"hat": "shoe", "shoe": "hat"})
    assert found.rows == (0, 1, 3, 2)


def test_the_old_name_of_a_renamed_class_may_be_a_new_class() -> None:
    found = succeed(OLD, Classes.of(["cap", "hat"]), {"hat": "cap"})
    assert (found.rows, found.added) == ((2, None), ("hat",))


def test_names_are_one_however_their_letters_are_composed() -> None:
    found = succeed(Classes.of(["Äpfel", "b"]), Classes.of(["Birnen", "Öl"]), {"A\u0308pfel": "O\u0308l"})
    assert found.rows == (None, 1)  # "b" comes before "Äpfel"


@pytest.mark.parametrize(
    ("new", "rename", "words"),
    [
        (
            ["cap"],
            {"hatt": "cap"},
            r"--classes.rename: the run that --from names has no class 'hatt'; did you mean 'hat'\?; "
            r"give one of its classes \(Fruit/Apple, Fruit/Pear, hat and shoe\)",
        ),
        (
            ["cap"],
            {"hat": "caps"},
            "--classes.rename: the photos have no class 'caps' for 'hat' to become; did you mean 'cap'\\?; "
            "give the new name as the photos have it, or leave 'hat' out",
        ),
        (
            ["cap"],
            {"hat": "cap", "shoe": "cap"},
            "--classes.rename: 'hat' and 'shoe' would both be 'cap'; rename one of them otherwise, or leave it out",
        ),
        (
            ["shoe"],
            {"hat": "shoe"},
            "--classes.rename: 'hat' and 'shoe' would both be 'shoe'; rename one of them otherwise, or leave it out",
        ),
    ],
)
def test_faults(new: list[str], rename: dict[str, str], words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        succeed(OLD, Classes.of([*new, "other"]), rename)
    assert "\n" not in str(caught.value)
