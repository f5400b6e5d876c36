from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from visionft.exporting.parity_photos import read_photos, stratified


@dataclass(frozen=True)
class Table:
    paths: list[str]
    labels: NDArray[np.int64]
    digests: list[str]


def table(*counts: int, seed: int = 0) -> Table:
    labels = np.repeat(np.arange(len(counts)), counts)
    digests = [f"{value:08x}" for value in np.random.default_rng(seed).permutation(len(labels))]
    return Table([f"{i}.png" for i in range(len(labels))], labels, digests)


def counted(rows: Table, chosen: list[int]) -> list[int]:
    return np.bincount(rows.labels[chosen], minlength=int(rows.labels.max()) + 1).tolist()


def test_classes_keep_their_proportions_and_none_is_left_out() -> None:
    rows = table(600, 300, 90, 9, 1)

    chosen = stratified(rows, 100)

    assert len(set(chosen)) == 100
    found = counted(rows, chosen)
    assert min(found) >= 1
    np.testing.assert_allclose(found[:3], [60, 30, 9], atol=2)


def test_classes_alternate_from_the_first_on() -> None:
    rows = table(50, 20, 30)

    assert sorted(rows.labels[stratified(rows, 8)[:3]].tolist()) == [0, 1, 2]
    assert len(stratified(rows, 8)) == 8


def test_without_a_limit_all_are_taken_once() -> None:
    rows = table(5, 0, 3)

    assert sorted(stratified(rows, None)) == list(range(8))
    assert sorted(stratified(rows, 2000)) == list(range(8))


def test_the_choice_follows_the_photos_and_not_their_order() -> None:
    rows = table(40, 40)
    order = np.random.default_rng(1).permutation(80)
    moved = Table([rows.paths[i] for i in order], rows.labels[order], [rows.digests[i] for i in order])

    assert [rows.paths[i] for i in stratified(rows, 9)] == [moved.paths[i] for i in stratified(moved, 9)]


def test_no_photo_is_no_choice() -> None:
    assert stratified(Table([], np.zeros(0, np.int64), []), 10) == []


def test_photos_that_are_gone_are_left_out(tmp_path: Path) -> None:
    Image.new("RGB", (3, 2), (1, 2, 3)).save(tmp_path / "0.png")
    (tmp_path / "2.png").write_bytes(b"broken")

    found = list(read_photos(tmp_path, table(2, 1), [0, 1, 2]))

    assert [(photo.path, photo.label, photo.image.shape) for photo in found] == [("0.png", 0, (2, 3, 3))]
