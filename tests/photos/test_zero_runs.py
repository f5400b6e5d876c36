"""Holes: zeros in the place of lost bytes."""

from __future__ import annotations

import pytest

from visionft.errors import PhotoError
from visionft.photos.zero_runs import HOLE, REASON, has_hole, refuse_hole

DATA = b"a" + bytes(HOLE) + b"b" + bytes(HOLE - 1) + b"c"


@pytest.mark.parametrize(
    ("start", "end", "found"),
    [(0, None, True), (2, None, False), (1, 1 + HOLE, True), (0, HOLE, False), (len(DATA), None, False)],
)
def test_a_hole_lies_whole_between_two_places(start: int, end: int | None, found: bool) -> None:
    assert has_hole(DATA, start, end) is found


def test_a_shorter_run_may_be_one_where_that_is_asked_for() -> None:
    assert has_hole(DATA, 2, least=HOLE - 1)
    assert not has_hole(b"", least=1)


def test_a_hole_is_one_reason() -> None:
    refuse_hole(DATA, 2, len(DATA))
    with pytest.raises(PhotoError, match="a part is missing") as caught:
        refuse_hole(DATA, 0, len(DATA))
    assert caught.value.reason == REASON
