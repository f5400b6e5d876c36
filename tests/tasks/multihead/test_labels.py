"""Labels of several columns: places for the network, sides that each class has its share of, and what is refused."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from visionft.classes import Classes
from visionft.data.sources.listing import Listing
from visionft.errors import DataError
from visionft.settings import DataSettings
from visionft.tasks.multihead.labels import LABELS

PHOTOS = Path("photos.csv")
CLASSES = Classes.of(["a=x", "a=y", "b=u", "b=v"])


def table(labels: list[str], splits: list[str] | None = None) -> pa.Table:
    return pa.table({"label": pa.array(labels, pa.string()), "split": splits or ["train"] * len(labels)})


def test_each_photo_is_a_row_of_places() -> None:
    labels = table(["a=x|b=v", "b=u", "a=y"])
    assert LABELS.encode(labels["label"], CLASSES).tolist() == [[0, 1], [-1, 0], [1, -1]]
    assert LABELS.encode(labels["label"].slice(0, 0), CLASSES).shape == (0, 2)
    assert LABELS.classes(labels) == CLASSES
    assert LABELS.kinds(labels) == "4 classes in 2 heads"
    assert LABELS.counts(labels, CLASSES)["train"] == {"photos": 3}
    assert LABELS.lost(labels, labels.slice(0, 2)) == ("a=y",)
    assert LABELS.strange(table(["a=z|b=u"]), CLASSES) == ["a=z"]
    assert "b: 2 classes; 1 photo of which nobody knows it" in LABELS.picture(labels, CLASSES)


def test_sides_are_drawn_so_that_every_class_of_every_head_has_its_share() -> None:
    random = np.random.default_rng(0)
    texts = [f"a={'xy'[i % 2]}|b={'uv'[int(random.random() < 0.1)]}" for i in range(200)]
    photos = table(texts).append_column("group", pa.nulls(200, pa.string()))
    photos = photos.append_column("digest", pa.array([sha256(str(i).encode()).hexdigest() for i in range(200)]))
    sides = np.array(LABELS.draw(photos, 0.25, 0.25, None).to_pylist())
    for name in CLASSES:
        own = np.array([name in text.split("|") for text in texts])
        for side in ("validation", "test"):
            assert (own & (sides == side)).sum() == pytest.approx(0.25 * own.sum(), abs=1.5), (name, side)


def test_what_cannot_be_learnt_is_one_sentence(tmp_path: Path) -> None:
    settings = DataSettings(label_column="a,b")
    with pytest.raises(
        DataError, match=r"is a folder, and the task multihead learns several columns .*--data\.label-col"
    ):
        LABELS.require_place(tmp_path)
    with pytest.raises(
        DataError, match=r"has nothing in the column 'b': fill it in, or leave it out of --data\.label-c"
    ):
        LABELS.require_early(PHOTOS, Listing(Path(), table(["a=x", "a=y"])), settings)
    with pytest.raises(DataError, match="has only 'u' in the column 'b': give at least two values to tell apart"):
        LABELS.require_early(PHOTOS, Listing(Path(), table(["a=x|b=u", "a=y"])), settings)
    with pytest.raises(DataError, match="has no training photo of 'b=v': add some, or empty this cell"):
        LABELS.require_split(PHOTOS, table(["a=x|b=u", "a=y|b=u", "a=x|b=v"], ["train", "train", "test"]))
    sides = ["train", "train", "validation"]
    with pytest.raises(DataError, match="has no validation photo whose 'b' is known"):
        LABELS.require_split(PHOTOS, table(["a=x|b=u", "a=y|b=v", "a=x"], sides))
    with pytest.raises(DataError, match="has the class 'a=z', unknown to the run with its 4 classes"):
        LABELS.require_known(PHOTOS, table(["a=z"]), CLASSES)


def test_a_split_that_lacks_classes_is_noted() -> None:
    notes = LABELS.gaps(table(["a=x|b=u", "a=y|b=v", "a=x|b=u"], ["train", "train", "validation"]), CLASSES)
    assert notes == ["validation lacks 2 of the 4 classes (a=y and b=v): its figures say nothing about them"]
