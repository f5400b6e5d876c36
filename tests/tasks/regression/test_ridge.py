"""The linear head of a regression, solved by ridge regression."""

from __future__ import annotations

import numpy as np
import pytest

from visionft.tasks.regression.ridge import STRENGTHS, solve


def drawn(n: int, seed: int, noise: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    x = random.normal(loc=5.0, scale=[1, 10, 0.1], size=(n, 3))
    return x, x @ [2.0, -0.3, 4.0] + 1.0 + noise * random.normal(size=n)


def test_numbers_that_are_linear_in_the_features_are_found_on_the_raw_features() -> None:
    (x, y), (held_out, truth) = drawn(200, 0), drawn(50, 1)
    found = solve(x, y, held_out, truth)
    assert found.strength == min(STRENGTHS)
    np.testing.assert_allclose(found.weight, [[2.0, -0.3, 4.0]], rtol=1e-2)
    np.testing.assert_allclose(held_out @ found.weight[0] + found.bias[0], truth, atol=0.02)
    assert (found.weight.shape, found.bias.shape, found.weight.dtype) == ((1, 3), (1,), np.float32)


def test_it_is_the_closed_form_of_its_strength() -> None:
    (x, y), (held_out, truth) = drawn(40, 2, noise=3.0), drawn(40, 3, noise=3.0)
    found = solve(x, y, held_out, truth)
    mean, scale = x.mean(0), x.std(0) + 1e-6
    z = (x - mean) / scale
    beta = np.linalg.solve(z.T @ z + found.strength * len(x) * np.eye(3), z.T @ (y - y.mean()))
    np.testing.assert_allclose(found.weight[0], beta / scale, rtol=1e-4)
    np.testing.assert_allclose(found.bias[0], y.mean() - (beta / scale) @ mean, rtol=1e-4)


def test_where_features_say_nothing_the_strongest_is_kept_and_a_constant_one_breaks_nothing() -> None:
    random = np.random.default_rng(0)
    x, y = random.normal(size=(30, 20)), random.normal(size=30)
    x[:, 0] = 7.0
    found = solve(x, y, random.normal(size=(300, 20)), np.zeros(300))
    assert found.strength == max(STRENGTHS)
    assert np.isfinite(found.weight).all()
    assert found.bias[0] == pytest.approx(y.mean(), abs=0.2)
