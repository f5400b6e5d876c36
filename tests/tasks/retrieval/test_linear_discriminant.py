"""The projection in closed form: beside scikit-learn, at both ends, and on products that training never saw."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from visionft.metrics import unit
from visionft.tasks.retrieval import linear_discriminant
from visionft.tasks.retrieval.leave_one_out import leave_one_out
from visionft.tasks.retrieval.linear_discriminant import solve

D = 12


def made(products: int, each: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return features of products that differ in the last four numbers, and whose photos differ most in the first."""
    random = np.random.default_rng(seed)
    centres = np.zeros((products, D))
    centres[:, -4:] = random.normal(size=(products, 4))
    spread = np.r_[[8.0] * 3, np.full(D - 3, 0.5)]
    features = np.repeat(centres, each, axis=0) + random.normal(size=(products * each, D)) * spread + 5
    return features.astype(np.float32), np.repeat(np.arange(products), each)


def test_without_shrinkage_it_spans_what_scikit_learn_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linear_discriminant, "SHRINKAGES", (1e-9,))
    x, labels = made(30, 12, 0)
    found = solve(x, labels, x, labels, 3)
    theirs = LinearDiscriminantAnalysis(solver="eigen").fit(x, labels).scalings_[:, :3]
    assert np.linalg.matrix_rank(np.c_[found.weight.T, theirs], tol=1e-3) == 3
    within = np.concatenate([x[labels == c] - x[labels == c].mean(0) for c in range(30)]) @ found.weight.T
    assert np.cov(within.T, bias=True) == pytest.approx(np.eye(3), abs=1e-3), "photos of a product differ alike"


def test_drawn_all_the_way_it_is_the_principal_components(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linear_discriminant, "SHRINKAGES", (np.inf,))
    x, labels = made(30, 12, 0)
    found = solve(x, labels, x, labels, 3)
    cosines = np.abs((unit(found.weight) * unit(PCA(3).fit(x).components_)).sum(axis=1))
    assert cosines == pytest.approx(1, abs=1e-3)
    assert x @ found.weight.T + found.bias == pytest.approx((x - x.mean(0)) @ found.weight.T, abs=1e-3)


def test_products_that_training_never_saw_are_found_better() -> None:
    train, held, new = made(60, 8, 0), made(20, 8, 1), made(40, 8, 2)
    found = solve(*train, *held, 6)

    def recall(features: np.ndarray) -> float:
        return float((leave_one_out(unit(features), new[1]).ranks == 1).mean())

    assert recall(new[0] @ found.weight.T + found.bias) > 2 * recall(new[0])
    assert found.recall == pytest.approx(
        (leave_one_out(unit(held[0] @ found.weight.T + found.bias), held[1]).ranks == 1).mean(), abs=0.02
    )


def test_products_of_one_photo_leave_the_principal_components() -> None:
    x, _ = made(40, 1, 0)
    held, labels = made(6, 4, 1)
    assert np.isfinite(solve(x, np.arange(40), held, labels, 5).weight).all()


def test_more_numbers_than_photos_have_a_projection_too() -> None:
    x, labels = made(3, 2, 0)
    found = solve(x, labels, x, labels, D)
    assert found.weight.shape == (D, D)
    assert np.isfinite(found.weight).all()


def test_features_that_are_all_the_same_are_projected_to_one_point_and_find_nothing() -> None:
    labels = np.repeat(np.arange(4), 3)
    features = np.full((12, D), 0.25, np.float32)
    found = solve(features, labels, features, labels, 3)
    assert np.isfinite(found.weight).all()
    assert np.isfinite(found.bias).all()
    assert found.recall == 0
