"""Tables, lists and datasets in memory say the same of the same photos, and what they cannot be is one sentence."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from torch.utils.data import Dataset, IterableDataset, Subset

from visionft.data.sources.memory_rows import MemoryRow, memory_rows
from visionft.errors import DataError
from visionft.settings import DataSettings

PHOTOS, LABELS = [b"a", b"b", b"c"], ["hat", "mug", "hat"]
PAIRS = list(zip(PHOTOS, LABELS, strict=True))
ROWS = [MemoryRow(photo, label) for photo, label in PAIRS]


class Indexed(Dataset[Any]):
    """As most of torch's datasets: it has no end but its length."""

    def __init__(self, items: Sequence[Any], classes: Sequence[str] | None = None) -> None:
        self.items = items
        if classes is not None:
            self.classes = classes

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> Any:
        return self.items[index % len(self.items)]


class Endless(IterableDataset[Any]):
    def __iter__(self) -> Iterator[Any]:
        yield from PAIRS


class Names:
    names = ("hat", "mug")


class WithFeatures(Indexed):
    """As `datasets` has them: mappings by index, and names of the numbers."""

    features: Mapping[str, Any] = {"image": None, "label": Names()}


def rows(photos: Any, **settings: Any) -> list[MemoryRow]:
    return list(memory_rows(photos, DataSettings(**settings)).rows)


NUMBERED = pa.table({"bytes": PHOTOS, "label": [0, 1, 0]}).replace_schema_metadata(
    {"huggingface": json.dumps({"info": {"features": {"label": {"_type": "ClassLabel", "names": ["hat", "mug"]}}}})}
)


@pytest.mark.parametrize(
    "photos",
    [
        PAIRS,
        tuple(PAIRS),
        iter(PAIRS),
        zip(PHOTOS, LABELS, strict=True),
        [{"image": photo, "label": label} for photo, label in PAIRS],
        {"image": PHOTOS, "label": LABELS},
        pd.DataFrame({"photo": PHOTOS, "label": LABELS}),
        pd.DataFrame({"bytes": PHOTOS, "label": pd.Categorical(LABELS)}, index=[9, 9, 9]),
        pa.table({"bytes": PHOTOS, "label": LABELS}),
        pa.record_batch({"bytes": PHOTOS, "label": LABELS}),
        pa.table({"bytes": PHOTOS, "label": LABELS}).to_reader(),
        NUMBERED,
        Indexed(PAIRS),
        Indexed([(photo, ("hat", "mug").index(label)) for photo, label in PAIRS], ["hat", "mug"]),
        Subset(Indexed([(photo, np.int64(label == "mug")) for photo, label in PAIRS], ["hat", "mug"]), [0, 1, 2]),
        WithFeatures([{"image": photo, "label": int(label == "mug")} for photo, label in PAIRS]),
        Endless(),
    ],
    ids=lambda photos: type(photos).__name__,
)
def test_every_form_says_the_same(photos: Any) -> None:
    assert rows(photos) == ROWS


def test_columns_may_be_named_and_bring_sides_and_products() -> None:
    table = pd.DataFrame({"shot": PHOTOS, "kind": LABELS, "split": ["train", "val", None], "group": [1, 1.0, np.nan]})
    found = memory_rows(table, DataSettings(path_column="shot", label_column="kind"))
    assert found.columns == ("split", "group")
    assert [(row.label, row.split, row.group) for row in found.rows] == [
        ("hat", "train", "1"), ("mug", "val", "1"), ("hat", None, None),
    ]  # fmt: skip


def test_a_mapping_of_splits_is_read_by_their_names() -> None:
    both = {"train": PAIRS[:2], "test": pd.DataFrame({"image": PHOTOS[2:], "label": LABELS[2:]})}
    assert [(row.photo, row.split) for row in rows(both)] == [(b"a", "train"), (b"b", "train"), (b"c", "test")]


@pytest.mark.parametrize("nothing", [None, float("nan"), np.nan, pd.NA, pd.NaT])
def test_what_is_missing_is_none(nothing: Any) -> None:
    assert rows([(nothing, "a"), (b"a", nothing)]) == [MemoryRow(None, "a"), MemoryRow(b"a", None)]


@pytest.mark.parametrize(("given", "text"), [(3, "3"), (3.0, "3"), (0.5, "0.5"), (np.int8(2), "2"), (True, "true")])
def test_numbers_are_text_without_a_point_where_they_are_whole(given: Any, text: str) -> None:
    assert rows([(b"a", given)])[0].label == text


def test_a_column_that_seems_to_tell_splits_apart_is_told() -> None:
    (note,) = memory_rows({"path": ["a"], "label": ["b"], "fold": [1]}, DataSettings()).notes
    assert note.startswith("the column 'fold' of the table is not read")


class Breaking(Indexed):
    def __getitem__(self, index: int) -> Any:
        if index == 1:
            raise OSError("no such disk")
        return self.items[index]


@pytest.mark.parametrize(
    ("photos", "words"),
    [
        (b"a", "photos are given as a bytes, which is none or one alone; give a DataFrame"),
        (3, "photos are given as a int, which is none or one alone"),
        (np.zeros((4, 4, 3), np.uint8), "photos are given as a ndarray"),
        ([], r"photos are an empty list; give a DataFrame"),
        (["a.jpg"], r"row 0 of photos is a str, not \(photo, label\); give pairs throughout"),
        ([(b"a", "x", 3)], r"row 0 of photos is a tuple of 3, not \(photo, label\)"),
        ([*PAIRS, b"c"], r"row 3 of photos is a bytes, not \(photo, label\)"),
        ([{"image": b"a", "label": 1}, {"image": b"a"}], r"row 1 of photos has no 'label' \(it has image\)"),
        ([(b"a", "x"), (b"b", 1)], r"two kinds, text \('x' in row 0\) and numbers \(1 in row 1\)"),
        ([(b"a", ["x"])], "row 0 of photos has a label of type list; give text or a number"),
        ({"image": [1, 2], "label": [1]}, r"different lengths \(\{'image': 2, 'label': 1\}\)"),
        (pd.DataFrame({"imgae": PHOTOS, "label": LABELS}), "no column of the photos .*; they have imgae and label"),
        (pd.DataFrame({"image": PHOTOS, "lable": LABELS}), "no column of 'label'; .*did you mean"),
        (pd.DataFrame({"image": PHOTOS, "path": PHOTOS, "label": LABELS}), "the columns path and image, and each may"),
        (pa.table([PHOTOS, LABELS, LABELS], ["bytes", "label", "label"]), "more than one column 'label': keep one"),
        (Breaking(PAIRS), r"row 1 of photos cannot be taken \(OSError: no such disk\)"),
        (Indexed([(b"a", 7)], ["hat"]), "row 0 of photos has the class 7, and names for 0 to 0 alone"),
    ],
)  # fmt: skip
def test_what_cannot_be_photos_is_one_sentence(photos: Any, words: str) -> None:
    with pytest.raises(DataError, match=words) as caught:
        rows(photos)
    assert "\n" not in str(caught.value)
