"""Bytes that live, and the work of operations, against what can be counted by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from visionft.advising.live_bytes import Course, Line, LiveBytes


def course(n: int) -> Course:
    live = LiveBytes()
    with live:
        found = Course(live, n)
        x = torch.zeros(n, 100)
        y = x + 1
        del x
        z = y.view(-1)[:5] * 2
        found.end()
    assert z is not None
    return found


def test_a_storage_counts_from_its_making_to_its_end_and_views_are_none() -> None:
    assert course(10).changes.tolist() == [4000, 4000, -4000, 20]


def test_two_courses_tell_all_others() -> None:
    line = Line(course(2), course(4))
    assert line.peak(10) == Line(course(10), course(11)).peak(10) == 8000
    assert np.array_equal(line.work(10), course(10).work)


def test_what_lived_before_is_part_of_the_peak() -> None:
    live, weight = LiveBytes(), torch.zeros(50)
    live.hold([weight, weight[:3]])
    assert live.now == 200
    found = []
    with live:
        for n in (2, 4):
            one = Course(live, n)
            torch.zeros(n)
            one.end()
            found.append(one)
    assert Line(*found).peak(6) == 200 + 24


def test_courses_of_different_things_are_refused() -> None:
    live = LiveBytes()
    with live:
        short = Course(live, 3)
        short.end()
    with pytest.raises(ValueError, match="2 photos made 4 changes, 3 0"):
        Line(course(2), short)


def test_work_is_that_of_the_formulas() -> None:
    live = LiveBytes()
    a, b = torch.zeros(3, 4), torch.zeros(4, 5)
    q = torch.zeros(1, 2, 6, 8)
    with live:
        product = Course(live, 1)
        a @ b
        product.end()
        attention = Course(live, 1)
        F.scaled_dot_product_attention(q, q, q)
        attention.end()
    assert product.work.tolist() == [[2 * 3 * 4 * 5, 4 * (12 + 20 + 15), 0]]
    assert attention.work[:, 0].sum() == 2 * 2 * (2 * 6 * 6 * 8)
