"""Sides by iterative stratification: each label has its share, rare ones too; products and earlier sides hold."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from visionft.data.splitting.draw import TEST, TRAIN, VALIDATION
from visionft.data.splitting.iterative_stratification import draw, stratify

SHARES = (0.7, 0.15, 0.15)


def table(n: int, group: list[str | None] | None = None) -> pa.Table:
    digests = [f"{np.random.default_rng(i).integers(1 << 62):016x}" * 4 for i in range(n)]
    paths = [f"{i:04}.jpg" for i in range(n)]
    return pa.table({"path": paths, "group": pa.array(group or [None] * n, pa.string()), "digest": digests})


def labels(n: int = 1000, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    return random.random((n, 8)) < [0.5, 0.3, 0.2, 0.1, 0.05, 0.02, 0.02, 0.007]


def worst(has: np.ndarray, sides: np.ndarray) -> float:
    """Return the largest distance from the photos that a side should have of a label."""
    return max(
        abs(has[sides == side].sum(0) - share * has.sum(0)).max() for side, share in zip(range(3), SHARES, strict=True)
    )


def uneven(has: np.ndarray, sides: np.ndarray) -> float:
    """Return the mean distance in units of what chance does to a label that is as frequent."""
    wanted = np.array(SHARES)[:, None] * has.sum(0)
    return (abs(np.stack([has[sides == side].sum(0) for side in range(3)]) - wanted) / np.sqrt(wanted + 1)).mean()


def test_each_side_has_its_share_of_each_label_and_better_than_by_chance() -> None:
    has = labels()
    sides = stratify(has.astype(np.int64), np.ones(len(has), np.int64), SHARES, np.full(len(has), -1, np.int8))
    by_chance = np.random.default_rng(0).choice(3, len(has), p=SHARES)
    assert worst(has, sides) < 5
    assert worst(has, sides) < 0.5 * worst(has, by_chance)
    assert np.bincount(sides) / len(has) == pytest.approx(SHARES, abs=0.01)
    assert all((has[sides == side].sum(0) > 0).all() for side in (TRAIN, VALIDATION, TEST)), "seven photos are enough"


def test_the_first_photo_of_a_rare_label_is_trained_on() -> None:
    counts = np.zeros((20, 2), np.int64)
    counts[0, 0] = 1
    counts[:, 1] = 1
    sides = stratify(counts, np.ones(20, np.int64), SHARES, np.full(20, -1, np.int8))
    assert sides[0] == TRAIN


def test_products_stay_whole_and_count_with_all_their_photos() -> None:
    has = labels(600)
    group = [f"p{i // 6}" for i in range(600)]
    found = np.array(draw(table(600, group), has, 0.15, 0.15).to_pylist())
    assert all(len(set(found[start : start + 6])) == 1 for start in range(0, 600, 6))
    assert (found == "train").mean() == pytest.approx(0.7, abs=0.03)
    sides = np.array([["train", "validation", "test"].index(side) for side in found])
    by_chance = [np.random.default_rng(seed).choice(3, 100, p=SHARES).repeat(6) for seed in range(20)]
    assert uneven(has, sides) < 0.5 * np.mean([uneven(has, drawn) for drawn in by_chance])


def test_duplicates_stay_together() -> None:
    rows = table(200)
    twice = pa.concat_tables([rows, rows])
    has = np.concatenate([labels(200), labels(200, seed=5)])
    sides = draw(twice, has, 0.2, 0.2).to_pylist()
    assert sides[:200] == sides[200:]


def test_sides_of_an_earlier_run_win_and_the_rest_makes_up_for_them() -> None:
    has, rows = labels(400), table(400)
    earlier = rows.slice(0, 60).append_column("split", pa.array(["test"] * 60))
    sides = np.array(draw(rows, has, 0.15, 0.15, earlier).to_pylist())
    assert set(sides[:60]) == {"test"}
    assert (sides[60:] == "test").mean() < 0.05, "they are all that test wants, but for a label that they lack"
    again = draw(rows.take(list(range(399, -1, -1))), has[::-1], 0.15, 0.15, earlier).to_pylist()
    assert again[::-1] == sides.tolist(), "whatever the order of the rows"


def test_a_side_without_a_share_gets_nothing_and_two_photos_are_parted() -> None:
    assert "test" not in draw(table(100), labels(100), 0.2, 0.0).to_pylist()
    has = np.ones((2, 1), bool)
    assert sorted(draw(table(2), has, 0.15, 0.0).to_pylist()) == ["train", "validation"]
