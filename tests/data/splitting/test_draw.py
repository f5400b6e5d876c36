from __future__ import annotations

import hashlib
import math

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from visionft.data.splitting.draw import draw, draw_classes

Photo = tuple[str, str | None, int]
"""(label, group, content)."""

labels = st.sampled_from(["cap", "hat", "shoe"])
groups = st.none() | st.sampled_from([f"SKU{i}" for i in range(12)])
photos = st.lists(st.tuples(labels, groups, st.integers(0, 60)), min_size=2, max_size=60)
shares = st.tuples(st.floats(0.05, 0.45), st.floats(0, 0.45))


def table(rows: list[Photo]) -> pa.Table:
    digests = [hashlib.sha256(str(content).encode()).hexdigest() for _, _, content in rows]
    columns = {"label": [row[0] for row in rows], "group": [row[1] for row in rows], "digest": digests}
    return pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})


def sides(rows: list[Photo], validation: float = 0.2, test: float = 0.2, earlier: pa.Table | None = None) -> list[str]:
    return list(draw(table(rows), validation, test, earlier).to_pylist())


def many(n: int, label: str = "hat", start: int = 0) -> list[Photo]:
    return [(label, None, start + i) for i in range(n)]


@given(photos, shares)
def test_groups_and_duplicates_stay_together(rows: list[Photo], share: tuple[float, float]) -> None:
    drawn = sides(rows, *share)
    for of in (1, 2):
        seen: dict[object, set[str]] = {}
        for row, side in zip(rows, drawn, strict=True):
            if row[of] is not None:
                seen.setdefault(row[of], set()).add(side)
        assert all(len(found) == 1 for found in seen.values())


@given(photos, shares, st.randoms())
def test_the_order_of_the_photos_does_not_matter(rows: list[Photo], share: tuple[float, float], random: object) -> None:
    order = np.random.default_rng(len(rows)).permutation(len(rows))
    drawn, shuffled = sides(rows, *share), sides([rows[i] for i in order], *share)
    assert shuffled == [drawn[i] for i in order]


@given(photos, shares)
def test_every_class_is_trained_on_and_validated_where_it_can_be(rows: list[Photo], share: tuple[float, float]) -> None:
    drawn = sides([(label, None, content * 3 + len(label) % 3) for label, _, content in rows], *share)
    for label in {row[0] for row in rows}:
        held = {side for row, side in zip(rows, drawn, strict=True) if row[0] == label}
        distinct = {row[2] for row in rows if row[0] == label}
        assert "train" in held
        assert "validation" in held or len(distinct) == 1


@given(photos, shares)
def test_no_class_loses_its_training_photos_to_groups(rows: list[Photo], share: tuple[float, float]) -> None:
    drawn = sides(rows, *share)
    for label in {row[0] for row in rows}:
        assert "train" in {side for row, side in zip(rows, drawn, strict=True) if row[0] == label}


@settings(max_examples=30)
@given(st.integers(0, 10**6), st.integers(1, 300))
def test_photos_keep_their_side_when_others_are_added(start: int, more: int) -> None:
    before = sides(many(100, start=start))
    after = sides(many(100, start=start) + many(more, start=10**7 + start) + many(20, "cap", start=10**8))
    assert after[:100] == before


def test_products_keep_their_side_when_photos_and_products_are_added() -> None:
    old: list[Photo] = [("hat", f"S{i // 3}", i) for i in range(90)]
    new: list[Photo] = [("hat", f"S{i}", 1000 + i) for i in range(60)]
    assert sides(old + new)[:90] == sides(old)


def test_a_duplicate_in_two_products_ties_them_to_the_smaller_hash() -> None:
    apart: list[Photo] = [("hat", f"S{i}", i) for i in range(40)]
    drawn = sides(apart)
    i, j = drawn.index("validation"), drawn.index("test")
    tied = sides([*apart, ("hat", f"S{i}", 99), ("hat", f"S{j}", 99)])
    # Validation is the low end of the hash, so it wins; nothing else moves.
    assert (tied[i], tied[j], tied[-1]) == ("validation",) * 3
    assert [side for k, side in enumerate(tied[:40]) if k != j] == [side for k, side in enumerate(drawn) if k != j]


def test_a_photo_whose_duplicate_joins_a_product_goes_with_the_product() -> None:
    loose = many(60)
    products: list[Photo] = [("hat", f"S{i}", 1000 + i) for i in range(60)]
    drawn = sides(loose + products)
    i, j = drawn.index("train"), 60 + drawn[60:].index("test")
    tied = sides([*loose, *products, ("hat", f"S{j - 60}", i)])
    assert (tied[i], tied[j], tied[-1]) == ("test",) * 3


def test_proportions_hold_up_to_binomial_noise() -> None:
    n, share = 20_000, 0.15
    drawn = sides(many(n), share, share)
    for side, expected in (("validation", share), ("test", share), ("train", 1 - 2 * share)):
        assert abs(drawn.count(side) / n - expected) < 5 * math.sqrt(expected * (1 - expected) / n)


def test_a_class_without_a_validation_photo_takes_its_lowest_hash() -> None:
    start = next(start for start in range(1000) if "validation" not in _plain(start))
    rows = many(4, start=start)
    numbers = [int(digest[:16], 16) for digest in table(rows)["digest"].to_pylist()]
    drawn = sides(rows, 0.1, 0.1)
    assert [i for i, side in enumerate(drawn) if side == "validation"] == [int(np.argmin(numbers))]


def test_a_class_without_a_test_photo_takes_its_highest_hash() -> None:
    start = next(start for start in range(1000) if max(_uniform(start)) < 0.9 and min(_uniform(start)) < 0.1)
    drawn = sides(many(4, start=start), 0.1, 0.1)
    assert [i for i, side in enumerate(drawn) if side == "test"] == [int(np.argmax(_uniform(start)))]


def test_a_class_with_three_photos_has_one_on_each_side() -> None:
    for start in range(0, 300, 3):
        drawn = sides(many(3, start=start) + many(50, "cap", 10**6))[:3]
        assert sorted(drawn) == ["test", "train", "validation"]


def test_no_test_share_means_no_test_photo() -> None:
    assert "test" not in sides(many(4), 0.2, 0.0)


def _uniform(start: int) -> list[float]:
    return [int(digest[:16], 16) / 2**64 for digest in table(many(4, start=start))["digest"].to_pylist()]


def _plain(start: int) -> list[str]:
    numbers = [int(digest[:16], 16) / 2**64 for digest in table(many(4, start=start))["digest"].to_pylist()]
    return ["validation" if number < 0.1 else "train" for number in numbers]


def test_a_class_with_two_photos_has_one_to_train_and_one_to_validate() -> None:
    for start in range(0, 200, 2):
        assert sorted(sides(many(2, start=start) + many(50, "cap", 10**6))[:2]) == ["train", "validation"]


def test_a_photo_held_for_a_small_class_returns_when_the_class_grows_unless_splits_csv_holds_it() -> None:
    start = next(start for start in range(1000) if "validation" not in _plain(start))
    rows = many(4, start=start)
    drawn = sides(rows, 0.1, 0.1)
    lower = next(c for c in range(10**6, 10**7) if int(hashlib.sha256(str(c).encode()).hexdigest()[:2], 16) == 0)
    grown = [*rows, ("hat", None, lower)]
    assert sides(grown, 0.1, 0.1)[drawn.index("validation")] == "train"
    earlier = table(rows).append_column("split", pa.array(drawn, pa.string()))
    assert sides(grown, 0.1, 0.1, earlier)[:4] == drawn


@given(photos, photos, shares, shares)
def test_earlier_sides_win_whatever_the_shares(
    old: list[Photo], new: list[Photo], share: tuple[float, float], other: tuple[float, float]
) -> None:
    old = [(label, None, content) for label, _, content in old]
    new = [(label, None, 1000 + content) for label, _, content in new]
    drawn = sides(old, *share)
    earlier = table(old).append_column("split", pa.array(drawn, pa.string()))
    assert sides(old + new, *other, earlier=earlier)[: len(old)] == drawn


def test_a_new_photo_of_an_earlier_product_joins_it() -> None:
    earlier = table([("hat", f"S{i}", i) for i in range(3)])
    earlier = earlier.append_column("split", pa.array(["test", "validation", "train"]))
    rows: list[Photo] = [("hat", f"S{i}", 100 + i) for i in range(3)]
    assert sides(rows, earlier=earlier) == ["test", "validation", "train"]


def test_a_piece_on_several_earlier_sides_is_held_out() -> None:
    earlier = table([("hat", None, 0), ("hat", None, 1)]).append_column("split", pa.array(["train", "test"]))
    rows: list[Photo] = [("hat", "S", 0), ("hat", "S", 1), *many(20, start=50)]
    assert sides(rows, earlier=earlier)[:2] == ["test", "test"]


@settings(max_examples=200, deadline=None)
@given(st.sets(st.integers(0, 10**6), min_size=4, max_size=6), shares)
def test_of_whole_classes_two_are_trained_on_and_each_side_has_one(names: set[int], share: tuple[float, float]) -> None:
    rows: list[Photo] = [(f"item {name}", None, 3 * name + each) for name in sorted(names) for each in range(3)]
    drawn = draw_classes(table(rows), share[0], max(share[1], 0.01)).to_pylist()
    held = {side: {row[0] for row, of in zip(rows, drawn, strict=True) if of == side} for side in set(drawn)}
    assert len(held["train"]) >= 2
    assert set(held) == {"train", "validation", "test"}
    assert sum(map(len, held.values())) == len(names), "none is torn"
