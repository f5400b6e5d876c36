"""Labels are paths of any depth; leaves have to be learnt from, and what is no taxonomy is one sentence."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from visionft.classes import Classes
from visionft.data.sources.listing import Listing
from visionft.errors import DataError
from visionft.settings import DataSettings
from visionft.tasks.hierarchical.labels import LABELS

PLACE = Path("photos.csv")


def table(*rows: tuple[str, str | None]) -> pa.Table:
    labels, splits = zip(*rows, strict=True)
    paths = [f"{at}.jpg" for at in range(len(rows))]
    return pa.table({"path": paths, "label": pa.chunked_array([list(labels)]), "split": pa.array(splits, pa.string())})


def test_classes_are_all_nodes_and_labels_their_places() -> None:
    rows = table(("Fruit/Apple/Gala", "train"), ("Fruit/Apple", "train"), ("Leek", "train"))
    classes = LABELS.classes(rows)
    assert classes.names == ("Fruit", "Fruit/Apple", "Fruit/Apple/Gala", "Leek")
    assert LABELS.encode(rows["label"], classes).tolist() == [2, 1, 3]
    assert LABELS.kinds(rows) == "2 leaves in 3 levels"
    assert LABELS.picture(rows, classes)[-1] == (
        "taxonomy: 2 leaves in 3 levels, 4 nodes; 1 photo labelled above a leaf"
    )


def test_a_leaf_needs_training_photos_and_a_parent_does_not() -> None:
    LABELS.require_split(PLACE, table(("a/x", "train"), ("a/y", "train"), ("a", "validation")))
    with pytest.raises(DataError, match="has photos of class 'a/y' in test, but none in train"):
        LABELS.require_split(PLACE, table(("a/x", "train"), ("b", "train"), ("a/y", "test"), ("a", "train")))


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (
            ("a", "b"),
            "has 2 classes side by side .'a' and 'b'., and the task hierarchical learns a taxonomy: give paths",
        ),
        (("a/x", "a/x"), "only one class"),
        (("a", "a/x", "a/x/y"), "has a taxonomy with one leaf alone, 'a/x/y', of which every photo would be: give"),
    ],
)
def test_what_is_no_taxonomy_is_one_sentence(labels: tuple[str, ...], words: str) -> None:
    listing = Listing(Path(), table(*((label, None) for label in labels)), ())
    with pytest.raises(DataError, match=words):
        LABELS.require_early(PLACE, listing, DataSettings())


def test_one_leaf_is_refused_of_given_splits_too() -> None:
    with pytest.raises(DataError, match="with one leaf alone, 'a/x'"):
        LABELS.require_split(PLACE, table(("a/x", "train"), ("a", "validation")))


@pytest.mark.parametrize("label", ["Fruit / Apple", "Fruit /Apple", " Fruit/Apple", "Fruit/Apple "])
def test_a_blank_does_not_make_another_level(label: str) -> None:
    listing = Listing(Path(), table((label, None), ("Fruit", None)), ())
    with pytest.raises(DataError, match=r"with a blank at the end of a level, .*: write 'Fruit/Apple'"):
        LABELS.read(PLACE, listing, None)
    assert LABELS.read(PLACE, listing, (label,)).table is listing.table  # a run that learnt it is measured with it


def test_levels_that_differ_by_case_alone_are_told_and_parents_are_not() -> None:
    listing = Listing(Path(), table(("Fruit/Apple", None), ("fruit/Pear", None), ("Fruit", None)), ())
    (note,) = LABELS.read(PLACE, listing, None).notes
    assert note == (
        "odd classes: 'Fruit' and 'fruit' differ in case, blanks or signs alone: if they are one class, give them the "
        "label 'fruit'"
    )


@pytest.mark.parametrize("label", ["/a", "a/", "a//b", "a/ /b"])
def test_a_level_without_a_name_is_refused(label: str) -> None:
    with pytest.raises(DataError, match="with nothing beside one of its '/'"):
        LABELS.read(PLACE, Listing(Path(), table((label, None), ("a/b", None)), ()), None)


def test_of_a_run_a_last_level_is_enough_where_it_is_the_only_one() -> None:
    known = ["Fruit", "Fruit/Apple", "Fruit/Gala", "Nut", "Nut/Gala"]
    found = LABELS.read(PLACE, Listing(Path(), table(("Apple", None), ("Fruit", None), ("Gala", None)), ()), known)
    assert found.table["label"].to_pylist() == ["Fruit/Apple", "Fruit", "Gala"]
    assert found.notes[-1] == "labels are read by their last level: Apple as Fruit/Apple"
    with pytest.raises(DataError, match="has the class 'Gala', unknown to the run"):
        LABELS.require_known(PLACE, found.table, Classes.of(known))
