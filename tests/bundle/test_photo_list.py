"""The list of photos of a folder of answers: parts that make the whole, and a digest that tells lists apart."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PIL import Image

from visionft.bundle.photo_list import listed_of, read_part, write_list
from visionft.errors import PhotoError
from visionft.photos import Entry


@pytest.mark.parametrize(("number", "rows"), [(0, 3), (1, 3), (3, 3), (7, 3), (8, 100)])
def test_the_parts_are_the_list_in_its_order(tmp_path: Path, number: int, rows: int) -> None:
    entries = [Entry(f"photos/{n}.jpg", named=n % 2 == 0) for n in range(number)]

    listed = write_list(tmp_path / "list", iter(entries), rows)

    assert listed.number == number
    assert listed == listed_of(iter(entries), rows + 1)
    parts = [list(read_part(tmp_path / "list", part)) for part in range(-(-number // rows))]
    assert [len(part) for part in parts[:-1]] == [rows] * (len(parts) - 1)
    assert [(item.name, item.named) for part in parts for item in part] == [(e.path, e.named) for e in entries]
    assert [file.name for file in tmp_path.iterdir()] == ["list"]


def test_lists_that_differ_have_other_digests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = Entry("a.jpg"), Entry("b.jpg")
    lists = [[a, b], [b, a], [a], [a, a, b], [Entry("a.jpg", named=False), b], [Entry("a.jpg", refused="gone"), b], []]
    found = [listed_of(entries, 2).sha256 for entries in lists]
    assert len(set(found)) == len(lists)
    monkeypatch.chdir(tmp_path)
    assert listed_of([a, b], 2).sha256 not in found  # the same words are other files here


def test_photos_are_found_from_any_folder_and_are_called_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = os.fsdecode(b"odd\xff.png")
    Image.new("RGB", (2, 3), (9, 9, 9)).save(tmp_path / "a.png")
    (tmp_path / odd).write_bytes((tmp_path / "a.png").read_bytes())
    monkeypatch.chdir(tmp_path)
    write_list(tmp_path / "list", [Entry("a.png"), Entry(odd), Entry("x", False, "a folder that holds no photo")], 8)
    monkeypatch.chdir("/")

    first, second, refused = read_part(tmp_path / "list", 0)

    assert (first.name, second.name, refused.name) == ("a.png", "odd\\xff.png", "x")
    assert first.load().shape == second.load().shape == (3, 2, 3)
    with pytest.raises(PhotoError, match="a folder that holds no photo"):
        refused.load()
