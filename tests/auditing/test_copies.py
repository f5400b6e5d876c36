from __future__ import annotations

import numpy as np

from visionft.auditing.copies import Table, copies, product_leaks
from visionft.auditing.findings import Finding


def table(*rows: tuple[str, str, str | None, str]) -> Table:
    paths, labels, splits, digests = zip(*rows, strict=True)
    return Table(paths, labels, splits, [None] * len(rows), digests, np.arange(len(rows)) + 100)


def only(made: Table, likeness: dict[tuple[int, int], float] | None = None) -> Finding:
    [found] = copies(made, [np.arange(len(made.paths))], likeness or {})
    return found


def told(finding: Finding) -> list[tuple[str, str, str]]:
    return [(each.path, each.action, each.value) for each in finding.suggestions]


def test_a_leak_keeps_the_photo_that_is_measured_on() -> None:
    found = only(table(("a", "hat", "test", "1"), ("b", "hat", "train", "1")))
    assert (found.kind, found.words) == ("leak", "2 copies, byte for byte, on test and train")
    assert told(found) == [("b", "keep-one", "a")]


def test_copies_of_one_side_keep_the_largest() -> None:
    found = only(table(("a", "hat", "train", "1"), ("b", "hat", "train", "2")), {(0, 1): 0.7})
    assert (found.kind, found.figure) == ("near-duplicate", 0.7)
    assert told(found) == [("a", "keep-one", "b")]


def test_near_duplicates_stay_on_one_side_where_sides_are_drawn() -> None:
    found = only(table(("a", "hat", None, "1"), ("b", "hat", None, "2")), {(0, 1): 0.7})
    assert told(found) == [("a", "group", "same-picture-1"), ("b", "group", "same-picture-1")]


def test_two_labels_are_for_a_person_to_look_at() -> None:
    found = only(table(("a", "hat", None, "1"), ("b", "cap", None, "1")))
    assert found.kind == "two-labels"
    assert [action for _, action, _ in told(found)] == ["review", "review"]


def test_one_picture_under_many_classes_is_a_placeholder() -> None:
    found = only(table(*((str(at), f"class {at}", "train", "1") for at in range(5))))
    assert found.kind == "placeholder"
    assert {action for _, action, _ in told(found)} == {"drop"}


def test_a_product_on_two_sides_is_told() -> None:
    made = Table(("a", "b", "c"), ("hat",) * 3, ("train", "test", "test"), ("x", "x", "y"), "123", np.arange(3))
    assert [(found.words, found.photos) for found in product_leaks(made)] == [
        ("x: its photos lie in test and train", ("a", "b"))
    ]
