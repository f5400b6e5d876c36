"""Labels of products: what their truth is, and mAP and F1 beside those of the photos, in pairs."""

from __future__ import annotations

import numpy as np
import pytest

from visionft.tasks.multilabel.label_figures import label_figures
from visionft.tasks.multilabel.label_products import NAMES, Told, compared, truth

LABELS = ("a", "b", "c")
HALF = np.full(3, 0.5, np.float32)


def noisy(products: int, each: int, noise: float, seed: int = 0) -> tuple[Told, Told, np.ndarray]:
    """Return products and photos whose logits are the truth and noise of their own."""
    random = np.random.default_rng(seed)
    entries = random.integers(0, 2, (products, 3)).astype(np.int8)
    index = np.repeat(np.arange(products), each)
    logits = (2.0 * entries[index] - 1 + noise * random.standard_normal((products * each, 3))).astype(np.float32)
    means = logits.reshape(products, each, 3).mean(1)
    told = [1 / (1 + np.exp(-part)) for part in (means, logits)]
    return (told[0], told[0] >= 0.5, entries), (told[1], told[1] >= 0.5, entries[index]), index


def test_what_any_photo_knows_is_the_product_s_and_contradictions_are_seen() -> None:
    labels = np.array([[1, -1, 0], [1, 0, -1], [1, 0, 0], [0, 0, 0], [-1, -1, -1]])
    found, one = truth(labels, np.array([0, 0, 1, 1, 2]))
    assert found[[0, 2]].tolist() == [[1, 0, 0], [-1, -1, -1]]
    assert one.tolist() == [True, False, True]


def test_figures_are_those_of_products_and_of_photos() -> None:
    products, photos, index = noisy(40, 3, 2.0)
    found = compared(products, photos, index)
    assert (found.products, found.photos, found.several) == (40, 120, 40)
    for (scores, _, entries), side in ((products, "by_product"), (photos, "by_photo")):
        wanted = label_figures(scores, entries, HALF, LABELS)
        for name in NAMES:
            assert getattr(found.figures[name], side) == pytest.approx(getattr(wanted, name))
    assert all(one.gain == pytest.approx(one.by_product - one.by_photo) for one in found.figures.values())  # type: ignore[operator]


def test_independent_photos_gain_and_copies_do_not() -> None:
    products, photos, index = noisy(60, 4, 2.0)
    gain = compared(products, photos, index).figures
    assert all(one.gain_interval is not None and one.gain_interval[0] > 0 for one in gain.values())
    copies = tuple(part[index] for part in products)
    same = compared(products, copies, index).figures
    assert all(one.gain_interval == pytest.approx((0.0, 0.0), abs=1e-12) for one in same.values())


def test_the_paired_interval_is_narrower_than_unpaired_ones() -> None:
    products, photos, index = noisy(60, 4, 2.0)
    one = compared(products, photos, index).figures["map"]
    assert one.gain_interval is not None
    assert one.by_product_interval is not None
    assert one.by_photo_interval is not None
    unpaired = np.hypot(*(high - low for low, high in (one.by_product_interval, one.by_photo_interval)))
    assert one.gain_interval[1] - one.gain_interval[0] < unpaired


def test_the_line_has_all_three_figures() -> None:
    products, photos, index = noisy(12, 2, 1.0)
    said = str(compared(products, photos, index))
    assert said.startswith("mAP ")
    assert " of 12 products (95 % interval " in said
    assert "of their 24 photos" in said
    assert "; micro F1 " in said
    assert "; macro F1 " in said
    assert said.count("points by product (paired 95 % interval ") == 3


def test_what_cannot_be_measured_is_said() -> None:
    told: Told = (np.full((2, 3), 0.5, np.float32), np.zeros((2, 3), bool), np.zeros((2, 3), np.int8))
    found = compared(told, told, np.array([0, 1]))
    assert found.figures["map"].gain is None
    assert "mAP not measurable of 2 products" in str(found)
    assert found.to_json()["map"]["gain_interval"] is None
