"""Labels that are one name a photo: indices, counts, and what is lost."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from visionft.classes import Classes
from visionft.data.class_names import ClassNames
from visionft.data.sources.listing import COLUMNS, Listing

NAMES = ClassNames()


def table(*rows: tuple[str, str | None]) -> pa.Table:
    labels, splits = zip(*rows, strict=True)
    nothing = [None] * len(rows)
    paths = [f"{number}.jpg" for number in range(len(rows))]
    return pa.table({"path": paths, "label": labels, "split": splits, "group": nothing}, COLUMNS)


ROWS = table(("shoe", "train"), ("hat", "train"), ("shoe", "test"), ("shoe", "train"))


def test_indices_follow_the_order_of_the_classes_whatever_the_photos_have() -> None:
    classes = Classes.of(["boot", "hat", "shoe"])
    found = NAMES.encode(ROWS["label"], classes)
    assert found.tolist() == [2, 1, 2, 2]
    assert found.dtype == np.int64
    assert NAMES.classes(ROWS) == Classes.of(["hat", "shoe"])
    assert NAMES.kinds(ROWS) == "2 classes"
    assert NAMES.kinds(ROWS.slice(2)) == "1 class"


def test_counts_have_every_split_and_every_class() -> None:
    assert NAMES.counts(ROWS, Classes.of(["boot", "hat", "shoe"])) == {
        "train": {"boot": 0, "hat": 1, "shoe": 2},
        "validation": {"boot": 0, "hat": 0, "shoe": 0},
        "test": {"boot": 0, "hat": 0, "shoe": 1},
    }


def test_what_is_strange_and_what_is_lost_is_named() -> None:
    assert NAMES.strange(ROWS, Classes.of(["hat"])) == ["shoe"]
    assert NAMES.lost(ROWS, ROWS.slice(2, 1)) == ("hat",)
    assert NAMES.lost(ROWS, ROWS) == ()


def test_a_path_with_levels_in_between_becomes_the_known_class_and_that_is_said() -> None:
    rows = table(("fruit/apple", "train"), ("fruit/ripe/apple", "test"))
    listing = Listing(Path("photos"), rows)
    for known in (None, ["fruit/apple"]):
        folded = NAMES.fold(listing, known)
        assert folded.table["label"].to_pylist() == ["fruit/apple", "fruit/apple"]
        assert len(folded.notes) == 1
    assert NAMES.fold(listing, ["pear"]).table["label"].to_pylist() == ["fruit/apple", "fruit/ripe/apple"]
