"""Photos to label: how they are chosen from embeddings, what is said of it, and the list that is filled in."""

from __future__ import annotations

import csv
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from visionft import auditing
from visionft.auditing import selection
from visionft.auditing.selection import FEW, Selection
from visionft.errors import DataError


def found(root: Path, *paths: str, **given: Any) -> Selection:
    values = {"likely": (), "how": "typical", "why": "none is labelled yet", "photos": 20, "labelled": 0, "copies": 0}
    return Selection(root, paths, **{**values, "unread": 0, **given})


def rows(file: Path) -> list[dict[str, str]]:
    with file.open(newline="", encoding="utf-8") as opened:
        return list(csv.DictReader(opened))


def test_it_is_said_what_was_chosen_and_what_was_passed_over() -> None:
    assert str(found(Path("x"), "a.jpg")) == "1 photo of 20 to label, typical ones: none is labelled yet\n  a.jpg"
    lines = str(found(Path("x"), *(f"{n}.jpg" for n in range(12)), copies=1, unread=2)).splitlines()
    assert len(lines) == 1 + selection.SHOWN + 3
    assert lines[-3:] == [
        "  and 2 more",
        "1 photo passed over: others have the same bytes",
        "2 photos could not be read",
    ]


def test_paths_in_the_list_are_relative_to_it_and_formulas_are_none(tmp_path: Path) -> None:
    file = found(tmp_path / "photos", "=a.jpg", "sub/b.jpg", likely=("hat", "=bag")).write(tmp_path / "lists/new/l.csv")
    first, second = rows(file)
    assert first == {"path": "../../photos/=a.jpg", "label": "", "likely": "hat"}
    assert (second["path"], second["likely"]) == ("../../photos/sub/b.jpg", "'=bag")
    beside = found(tmp_path, "=a.jpg").write(tmp_path / "l.csv")
    assert rows(beside) == [{"path": "'=a.jpg", "label": "", "likely": ""}]


def test_a_list_behind_a_link_finds_its_photos(tmp_path: Path) -> None:
    (tmp_path / "far" / "away").mkdir(parents=True)
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").touch()
    (tmp_path / "link").symlink_to("far/away")
    file = found(tmp_path / "photos", "a.jpg").write(tmp_path / "link" / "l.csv")
    assert (file.parent / rows(file)[0]["path"]).is_file()


def embedded(*degrees: float) -> Any:
    angles = np.radians(np.array(degrees, np.float32))
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def test_without_labels_the_middle_of_each_heap_is_chosen() -> None:
    embeddings = embedded(0, 1, 2, 89, 90, 91, 92, 93)
    chosen, likely, how, why = selection._chosen(embeddings, [], 2, 0)
    assert (chosen.tolist(), likely, how, why) == ([5, 1], (), "typical", "none is labelled yet")


def test_few_labels_send_it_where_none_is_and_many_to_where_classes_meet() -> None:
    few = ["bag", "hat"]
    chosen, likely, how, why = selection._chosen(embedded(0, 90, 1, 2, 91, 180, 181, 182), few, 1, 0)
    assert (chosen.tolist(), how, why) == ([6], "typical", "2 are labelled, 1.0 a class")
    assert likely == ("hat",), "the class that is nearer"
    many = ["bag"] * FEW + ["hat"] * FEW
    place = embedded(*range(FEW), *range(90, 90 + FEW), 1.5, 45, 91.5)
    chosen, likely, how, why = selection._chosen(place, many, 3, 0)
    assert (how, why, len(likely)) == ("uncertain", "10 are labelled, 5.0 a class", 3)
    assert sorted(chosen.tolist()) == [10, 11, 12], "never one that has a label"
    by_row = dict(zip(chosen.tolist(), likely, strict=True))
    assert (by_row[10], by_row[12]) == ("bag", "hat")


def test_one_class_alone_is_likely_for_all() -> None:
    _, likely, how, _ = selection._chosen(embedded(*range(9)), ["bag"] * 7, 2, 0)
    assert (likely, how) == (("bag", "bag"), "typical")


def test_each_photo_counts_once_by_its_bytes_and_known_ones_not_at_all(tmp_path: Path) -> None:
    for name, colour in (("a.png", 10), ("b.png", 20), ("copy.png", 10), ("known.png", 30)):
        Image.new("RGB", (4, 4), (colour,) * 3).save(tmp_path / name)
    (tmp_path / "torn.png").write_bytes((tmp_path / "b.png").read_bytes()[:30])
    listing = auditing.unlabelled(tmp_path, sorted(path.name for path in tmp_path.iterdir()))
    whole = selection._looked(listing, 1000, lambda *_: None, frozenset())
    assert (whole.paths, whole.copies, whole.unread) == (["a.png", "b.png", "known.png"], 1, 1)
    fresh = selection._looked(listing, 1000, lambda *_: None, frozenset(whole.digests[2:]))
    assert (fresh.paths, fresh.copies, fresh.unread) == (["a.png", "b.png"], 2, 1)


def test_nothing_to_choose_from_is_a_sentence_before_any_photo_is_looked_at(tmp_path: Path) -> None:
    (tmp_path / "torn.png").write_bytes(b"no photo")
    listing = auditing.unlabelled(tmp_path, ["torn.png"])
    network: Any = None
    with pytest.raises(DataError, match=r"\(0 are labelled already or copies, 1 cannot be read\); give other photos"):
        selection.select_photos(listing, None, 1, network, 1000, lambda _: nullcontext(lambda *_: None))
