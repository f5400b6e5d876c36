"""Labels that are class names: what is refused, and what is said of them."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from visionft.classes import Classes
from visionft.data.sources.listing import COLUMNS, Listing
from visionft.errors import DataError
from visionft.settings import DataSettings
from visionft.tasks.classification.labels import LABELS

PHOTOS = Path("shop.csv")


def table(*rows: tuple[str, str | None]) -> pa.Table:
    labels, splits = zip(*rows, strict=True)
    paths, nothing = [f"{n}.jpg" for n in range(len(rows))], [None] * len(rows)
    return pa.table({"path": paths, "label": labels, "split": splits, "group": nothing}, COLUMNS)


def listing(*rows: tuple[str, str | None]) -> Listing:
    return Listing(Path(), table(*rows))


def test_odd_names_are_noted_where_they_are_learnt_from_and_not_where_a_run_knows_them() -> None:
    odd = listing(("Hat", None), ("hat", None))
    assert any("Hat" in note for note in LABELS.read(PHOTOS, odd, None).notes)
    assert LABELS.read(PHOTOS, odd, ["hat"]).notes == ()
    with pytest.raises(DataError):
        LABELS.read(PHOTOS, listing(("red\x1b[31m", None), ("hat", None)), None)


def test_what_a_listing_shows_to_be_unfit_is_refused_before_any_photo_is_opened() -> None:
    with pytest.raises(DataError, match="has photos of only one class, 'hat'"):
        LABELS.require_early(PHOTOS, listing(("hat", None)), DataSettings())
    with pytest.raises(DataError, match="has photos of class 'cap' in test, but none in train"):
        LABELS.require_early(PHOTOS, listing(("hat", "train"), ("cap", "test")), DataSettings())
    LABELS.require_early(PHOTOS, listing(("hat", None), ("cap", None)), DataSettings())
    with pytest.raises(DataError, match="none in train"):
        LABELS.require_split(PHOTOS, table(("hat", "train"), ("cap", "validation")))


def test_a_run_s_classes_are_those_that_are_measured() -> None:
    rows, known = table(("hat", "test")), Classes.of(["cap", "hat"])
    assert LABELS.measured(rows, known) is known
    LABELS.require_known(PHOTOS, rows, known)
    with pytest.raises(DataError, match="has the class 'hat', unknown to the run"):
        LABELS.require_known(PHOTOS, rows, Classes.of(["cap", "shoe"]))
    assert LABELS.gaps(rows, known) == ["test lacks 1 of the 2 classes (cap): its figures say nothing about them"]


@pytest.mark.parametrize(
    ("numbers", "line"),
    [
        ({"cap": 2, "hat": 2}, "training photos a class: 2"),
        ({"cap": 1, "hat": 3}, "training photos a class: 1 (cap) to 3 (hat)"),
    ],
)
def test_the_range_of_training_photos_is_said(numbers: dict[str, int], line: str) -> None:
    rows = table(*[(name, "train") for name, number in numbers.items() for _ in range(number)])
    assert LABELS.picture(rows, Classes.of(numbers))[-1] == line
