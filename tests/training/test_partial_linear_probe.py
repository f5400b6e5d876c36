"""Rows solved beside fixed ones are the minimum that they claim to be, and the fixed ones stay."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from visionft.training.linear_probe import solve
from visionft.training.partial_linear_probe import extend

Drawn = tuple[NDArray[np.float64], NDArray[np.int64]]
D, C = 12, 5


def blobs(n: int, seed: int, spread: float = 1.5) -> Drawn:
    random = np.random.default_rng(seed)
    centres = np.random.default_rng(0).normal(size=(C, D)) * 2
    labels = random.integers(C, size=n)
    labels[:C] = np.arange(C)
    scales = np.linspace(0.1, 30, D)  # features of very different sizes, as backbones have them
    return (centres[labels] + spread * random.normal(size=(n, D))) * scales + 5, labels.astype(np.int64)


def head_of_three() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return a head that was solved on the first three classes, with two rows of zeros below."""
    x, y = blobs(300, 1)
    probe = solve(x[y < 3], y[y < 3], x[y < 3], y[y < 3], strengths=[0.1])
    weight, bias = np.zeros((C, D), np.float32), np.zeros(C, np.float32)
    weight[:3], bias[:3] = probe.weight, probe.bias
    return weight, bias


def test_fixed_rows_come_back_bit_for_bit_and_the_new_ones_learn() -> None:
    weight, bias = head_of_three()
    x, y = blobs(300, 2)
    held, truth = blobs(200, 3)
    probe = extend(x, y, held, truth, weight=weight, bias=bias, free=[3, 4])
    assert np.array_equal(probe.weight[:3], weight[:3])
    assert np.array_equal(probe.bias[:3], bias[:3])
    answers = (held @ probe.weight.T + probe.bias).argmax(1)
    assert (answers == truth).mean() > 0.85
    whole = solve(x, y, held, truth)
    assert (answers == truth).mean() >= ((held @ whole.weight.T + whole.bias).argmax(1) == truth).mean() - 0.05


@pytest.mark.parametrize("balanced", [False, True])
def test_the_gradient_over_all_classes_vanishes_at_the_solution(balanced: bool) -> None:
    """The virtual column of the fixed classes leaves the problem what it is: a softmax over every class."""
    weight, bias = head_of_three()
    x, y = blobs(300, 2)
    strength = 0.1
    weights = len(y) / (C * np.bincount(y)) if balanced else None
    probe = extend(x, y, x, y, weight=weight, bias=bias, free=[3, 4], weights=weights, strengths=[strength])
    scale = x.std(0) + 1e-6
    rows = torch.from_numpy(probe.weight[3:].astype(np.float64) * scale).requires_grad_(True)
    offset = torch.from_numpy(probe.bias[3:].astype(np.float64)).requires_grad_(True)
    fixed = torch.from_numpy(x @ weight[:3].T + bias[:3])
    logits = torch.cat([fixed, torch.from_numpy(x / scale) @ rows.T + offset], 1)
    share = torch.from_numpy(len(y) / (C * np.bincount(y)))[torch.from_numpy(y)] if balanced else torch.ones(len(y))
    each = torch.nn.functional.cross_entropy(logits, torch.from_numpy(y), reduction="none")
    loss = (each * share).mean() + rows.square().sum() / (2 * strength * len(y))
    loss.backward()
    assert rows.grad is not None
    assert offset.grad is not None
    assert rows.grad.abs().max() < 1e-4
    assert offset.grad.abs().max() < 1e-4


def test_with_every_row_free_it_is_scikit_learn_s_regression() -> None:
    x, y = blobs(300, 2)
    held, _ = blobs(100, 3)
    nothing = np.zeros((C, D), np.float32), np.zeros(C, np.float32)
    probe = extend(x, y, x, y, weight=nothing[0], bias=nothing[1], free=range(C), strengths=[0.1])
    mean, scale = x.mean(0), x.std(0) + 1e-6
    reference = LogisticRegression(C=0.1, max_iter=5000, tol=1e-8).fit((x - mean) / scale, y)
    logits = held @ probe.weight.T + probe.bias
    p = np.exp(logits - logits.max(1, keepdims=True))
    assert np.allclose(p / p.sum(1, keepdims=True), reference.predict_proba((held - mean) / scale), atol=1e-3)


def test_no_strength_leaves_every_bit_and_little_moves_little() -> None:
    weight, bias = head_of_three()
    x, y = blobs(300, 2)
    same = extend(x, y, x, y, weight=weight, bias=bias, free=range(C), strengths=[0.0])
    assert np.array_equal(same.weight, weight)
    assert np.array_equal(same.bias, bias)
    near, far = (
        extend(x, y, x, y, weight=weight, bias=bias, free=range(C), strengths=[strength]) for strength in (1e-4, 10.0)
    )
    scale = x.std(0)
    assert 0 < np.abs((near.weight - weight) * scale).sum() < 0.1 * np.abs((far.weight - weight) * scale).sum()


def test_keeps_the_least_validation_loss_and_stops_after_two_rises() -> None:
    weight, bias = head_of_three()
    x, y = blobs(60, 4, spread=5)
    held, truth = blobs(300, 5, spread=5)
    probe = extend(x, y, held, truth, weight=weight, bias=bias, free=[3, 4])
    assert probe.chosen.strength == min(probe.path, key=lambda entry: entry[1])[0]
    assert len(probe.path) < 11


def test_photos_in_single_precision_do() -> None:
    weight, bias = head_of_three()
    x, y = blobs(300, 2)
    held, truth = blobs(200, 3)
    double = extend(x, y, held, truth, weight=weight, bias=bias, free=[3, 4], strengths=[0.1])
    single = extend(
        x.astype(np.float32), y, held.astype(np.float32), truth, weight=weight, bias=bias, free=[3, 4], strengths=[0.1]
    )
    assert single.weight.dtype == np.float32
    assert np.allclose(single.weight, double.weight, atol=1e-3)
