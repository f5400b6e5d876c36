"""Where the strips and tiles of a page lie."""

from __future__ import annotations

import pytest

from visionft.errors import PhotoError
from visionft.photos import tiff_parts
from visionft.photos.tiff_parts import Tags, part_size, parts


def page(**told: object) -> Tags:
    tags = Tags()
    numbers = {"width": 256, "height": 257, "rows": 278, "starts": 273, "lengths": 279, "planes": 284, "samples": 277}
    numbers |= {"across": 322, "down": 323, "tiles": 324, "tile_lengths": 325}
    for name, value in told.items():
        tags[numbers[name]] = value
    return tags


def test_strips_are_as_high_as_their_rows_and_the_page() -> None:
    assert part_size(page(width=7, height=9, rows=4)) == (7, 4)
    assert part_size(page(width=7, height=9)) == (7, 9)
    assert part_size(page(width=7, height=9, rows=0)) == (7, 1)


def test_tiles_count_in_both_directions_and_planes() -> None:
    starts = (8,) * 12
    tags = page(width=20, height=9, across=16, down=16, tiles=starts, tile_lengths=(4,) * 12, planes=2, samples=3)
    assert part_size(tags) == (16, 16)
    assert list(parts(tags, (16, 5))) == [(8, 12)] * 12
    with pytest.raises(PhotoError, match="truncated"):
        list(parts(tags, (5, 5)))


def test_too_many_or_too_few_strips_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    tags = page(width=7, height=9, rows=3, starts=(1, 2, 3), lengths=(1, 1, 1))
    assert list(parts(tags, (7, 3))) == [(1, 2), (2, 3), (3, 4)]
    with pytest.raises(PhotoError, match="truncated"):
        list(parts(page(width=7, height=9, rows=3, starts=(1, 2, 3), lengths=(1, 1)), (7, 3)))
    monkeypatch.setattr(tiff_parts, "MAX_PARTS", 2)
    with pytest.raises(PhotoError, match="more than 2 strips"):
        list(parts(tags, (7, 3)))
