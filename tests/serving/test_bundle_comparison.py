"""What two bundles say of the same photos, counted."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from visionft.serving import Comparison
from visionft.serving.bundle_comparison import paired_interval
from visionft.serving.prediction_changes import Compared, Side


def test_the_interval_covers_the_change_it_is_for() -> None:
    """Draw 2,000 sets of 60 photos of which 9 % turn wrong and 4 % right: 95 % of the intervals hold -5 points."""
    random = np.random.default_rng(0)
    draws = random.multinomial(60, [0.09, 0.04, 0.87], size=2_000)
    ends = [paired_interval(int(lost), int(gained), 60) for lost, gained, _ in draws]
    covered = np.mean([low <= -0.05 <= high for low, high in ends])

    assert 0.93 <= covered <= 0.98


def test_no_change_among_few_photos_is_no_certainty() -> None:
    low, high = paired_interval(0, 0, 10)

    assert low == -high
    assert 0.1 < high < 0.3
    assert paired_interval(0, 0, 100_000)[1] < 1e-4
    assert paired_interval(3, 0, 3)[0] >= -1.0


def test_long_lists_are_cut_and_say_so(tmp_path: Path) -> None:
    names = [f"class-{i:02}" for i in range(12)]
    rows = tuple(
        Compared(f"{i}.png", None, Side(name, 0.5, False), Side("other", 0.5, True), i / 12)
        for i, name in enumerate(names)
    )
    told = str(Comparison(tmp_path, tmp_path, rows, (), tuple(names), ()))

    assert "... 2 more pairs" in told
    assert "class-09 and 2 more (12 photos were answered so" in told
    assert told.count(" moved\n") + told.endswith(" moved") == 10
    assert "11.png  class-11 50.0% -> other 50.0% unknown, 91.7% moved" in told


def rows(*turns: tuple[str | None, str, str]) -> tuple[Compared, ...]:
    return tuple(
        Compared(f"{at}.png", truth, Side(before, 0.5, False), Side(after, 0.5, False), at / 10)
        for at, (truth, before, after) in enumerate(turns)
    )


def test_counts_and_pairs_follow_from_the_rows(tmp_path: Path) -> None:
    found = Comparison(
        tmp_path, tmp_path, rows(("a", "a", "b"), ("a", "a", "b"), ("b", "a", "b"), ("a", "a", "a"), (None, "b", "a")),
        (), (), (),
    )  # fmt: skip
    assert found.turns == {"right to wrong": 2, "wrong to right": 1, "right": 1}
    assert [vars(pair) for pair in found.pairs()] == [
        {"before": "a", "after": "b", "photos": 3, "right_to_wrong": 2, "wrong_to_right": 1},
        {"before": "b", "after": "a", "photos": 1, "right_to_wrong": 0, "wrong_to_right": 0},
    ]
    told = found.to_json()
    assert (told["photos"], told["changed"], told["labelled"]) == (5, 4, 4)
    assert (told["top1_before"], told["top1_after"]) == (3 / 4, 2 / 4)
    assert found.interval == paired_interval(2, 1, 4)
    assert [row.path for row in found.moves(2)] == ["4.png", "3.png"]


def test_without_rows_nothing_is_divided(tmp_path: Path) -> None:
    found = Comparison(tmp_path, tmp_path, (), (), (), ())
    assert str(found).startswith("0 photos: 0 keep their answer, 0 (0.0%) change it")
    assert (found.interval, found.to_json()["top1_before"]) == (None, None)
