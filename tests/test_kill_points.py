"""Fits that are killed at points spread over all of their course, and gone on with, end as the undisturbed one does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.killing import killed

FEW, MANY = 4, 200


@pytest.mark.slow
def test_a_few_kills_over_the_whole_course_change_no_bit(shapes: Path, tmp_path: Path) -> None:
    killed(shapes, tmp_path, np.linspace(0.05, 0.95, FEW).tolist(), width=1)


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_two_hundred_kills_over_the_whole_course_change_no_bit(
    shapes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    course = killed(shapes, tmp_path, np.linspace(0.0, 0.99, MANY).tolist(), width=2, **{"report.pictures": "none"})
    with capsys.disabled():
        print(
            f"\n{MANY} kills over {course.events} touches and {course.seconds:.1f} s, {len(course.written)} in a write"
        )
    assert len(course.written) > MANY // 10
