"""What makes a set of photos unfit to train on, one sentence each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from visionft.data import dataset_errors as module
from visionft.data.sources.listing import COLUMNS, Listing
from visionft.data.sources.structure.interpretation import Part, Reading
from visionft.errors import DataError
from visionft.settings import DataSettings

PHOTOS = Path("shop")


def table(*rows: tuple[str, str | None]) -> pa.Table:
    labels, splits = zip(*rows, strict=True)
    nothing = [None] * len(rows)
    return pa.table(
        {"path": [str(n) for n in range(len(rows))], "label": labels, "split": splits, "group": nothing}, COLUMNS
    )


@pytest.mark.parametrize(
    ("shares", "words"),
    [
        ({"validation": 0.5, "test": 0.5}, "--data.validation 0.5 and --data.test 0.5 leave no photo to train on"),
        ({"validation": 0.0, "test": 0.1}, "--data.validation 0 leaves no photo to choose by: give a share above 0"),
    ],
)
def test_shares_that_leave_nothing(shares: dict[str, float], words: str) -> None:
    with pytest.raises(DataError, match=words):
        module.refuse_shares(DataSettings(**shares))
    module.refuse_shares(DataSettings(validation=0.5, test=0.49))


def listing(classes: int, photos: int, level: str = "") -> Listing:
    rows = table(*[(f"{level}sku{at:03}", None) for at in range(classes) for _ in range(photos)])
    return Listing(PHOTOS, rows, reading=Reading("", "classes", (Part(""),), None, "none"))


def test_a_hundred_classes_of_few_photos_look_like_products() -> None:
    words = (
        r"shop has 100 folders of about 9 photos each, which look like products \(SKUs\) rather than classes: if they "
        r"are, put them into a folder for each class; if they are the classes, add --data\.depth 1"
    )
    with pytest.raises(DataError, match=words):
        module.refuse_products(PHOTOS, listing(100, 9), DataSettings())
    with pytest.raises(DataError, match=r"add --data\.depth 1 --data\.group-by parent; .* add --data\.depth 2"):
        module.refuse_products(PHOTOS, listing(100, 9, "shoe/"), DataSettings())


@pytest.mark.parametrize(
    ("classes", "photos", "given"),
    [(99, 9, {}), (100, 10, {}), (100, 1, {"depth": 1}), (100, 1, {"group_by": "none"})],
)
def test_fewer_or_fuller_classes_are_classes_and_so_is_what_was_named(
    classes: int, photos: int, given: dict[str, Any]
) -> None:
    module.refuse_products(PHOTOS, listing(classes, photos), DataSettings(**given))


def test_splits_that_were_given_leave_no_class_to_hold_out() -> None:
    asked = DataSettings(split_by="class")
    with pytest.raises(DataError, match=r"brings splits of its own \(test and train\), and --data\.split-by class"):
        module.refuse_given_splits(PHOTOS, {"train", "test"}, asked)
    module.refuse_given_splits(PHOTOS, set(), asked)
    module.refuse_given_splits(PHOTOS, {"train"}, DataSettings())


def test_classes_on_several_earlier_sides_are_named() -> None:
    module.refuse_torn([])
    with pytest.raises(DataError, match="have photos of the class 'hat' in several of train, validation and test"):
        module.refuse_torn(["hat"])
    with pytest.raises(DataError, match="of the classes 'hat' and 'shoe' in several"):
        module.refuse_torn(["hat", "shoe"])


def test_one_class_cannot_be_told_apart() -> None:
    with pytest.raises(DataError, match="shop has photos of only one class, 'hat': give at least two classes"):
        module.refuse_one_class(PHOTOS, table(("hat", None), ("hat", None)))
    module.refuse_one_class(PHOTOS, table(("hat", None), ("cap", None)))


def test_a_class_without_training_photos_is_named_with_its_near_name() -> None:
    rows = table(("hat", "train"), ("hats", "validation"), ("hats", "test"), ("shoe", "train"))
    words = (
        "has photos of class 'hats' in validation and test, but none in train; did you mean 'hat'[?]: add training "
        "photos or remove the class"
    )
    with pytest.raises(DataError, match=words):
        module.refuse_untrained(PHOTOS, rows)
    module.refuse_untrained(PHOTOS, rows.slice(0, 1))


def test_without_validation_there_is_nothing_to_choose_by() -> None:
    with pytest.raises(DataError, match="so that none is left to choose by: give every class at least two, better"):
        module.refuse_unvalidated(PHOTOS, table(("hat", "train"), ("cap", "test")))
    module.refuse_unvalidated(PHOTOS, table(("hat", "train"), ("hat", "validation")))


def test_classes_that_a_run_does_not_know_are_named(tmp_path: Path) -> None:
    known = ("cap", "hat")
    module.refuse_unknown(tmp_path, ["hat"], known)
    with pytest.raises(
        DataError, match=r"has the class 'hatt', unknown to the run with its 2 classes; did you mean 'hat'"
    ):
        module.refuse_unknown(tmp_path, ["hat", "hatt"], known)
    with pytest.raises(
        DataError, match=r"the classes 'a' and 'b', .*: rename the folders, or train a run that knows them"
    ):
        module.refuse_unknown(tmp_path, ["b", "a"], known)
    with pytest.raises(DataError, match=r": mend the label, or train a run that knows it with visionft fit shop\.csv"):
        module.refuse_unknown(Path("shop.csv"), ["a"], known)


def test_what_a_split_lacks_is_a_note_and_no_error() -> None:
    rows = table(("hat", "train"), ("cap", "train"), ("hat", "validation"))
    assert module.gap_notes(rows, ("cap", "hat")) == [
        "validation lacks 1 of the 2 classes (cap): its figures say nothing about them"
    ]
