"""The solved head is the minimum of what it says; siblings lend one another what they have in common."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from visionft.runs.criterion import Photos
from visionft.tasks.hierarchical import tree_prior
from visionft.tasks.hierarchical.marginal_loss import MarginalLoss
from visionft.tasks.hierarchical.taxonomy_tree import Tree, with_ancestors
from visionft.training import linear_probe

TREE = Tree(sorted(with_ancestors(["a/x", "a/y", "b"])))
FLAT = Tree(["a", "b", "c"])


def blobs(tree: Tree, n: int, seed: int) -> Photos:
    random = np.random.default_rng(seed)
    places = random.integers(0, len(tree.leaves), n)
    centres = np.array([[2.0, 1.5, 0], [2.0, -1.5, 0], [-2.0, 0, 0]])
    features = centres[places] + random.normal(0, 1, (n, 3))
    return Photos(features.astype(np.float32), tree.leaves[places], tree.names)


def test_without_levels_it_is_the_multinomial_regression() -> None:
    train, held_out = blobs(FLAT, 300, 0), blobs(FLAT, 100, 1)
    found = tree_prior.solve(FLAT, train, held_out, loss=MarginalLoss(FLAT), strengths=(0.1,))
    wanted = linear_probe.solve(train.features, train.labels, held_out.features, held_out.labels, strengths=(0.1,))
    assert found.weight == pytest.approx(wanted.weight, abs=0.02)
    assert found.bias - found.bias.mean() == pytest.approx(wanted.bias - wanted.bias.mean(), abs=0.02)


def test_the_gradient_vanishes_at_the_solution() -> None:
    train, strength = blobs(TREE, 200, 0), 0.3
    found = tree_prior.solve(TREE, train, blobs(TREE, 50, 1), loss=MarginalLoss(TREE), strengths=(strength,))
    scale, mean = train.features.std(0) + 1e-6, train.features.mean(0)
    rows = torch.tensor(found.weight * scale, requires_grad=True)
    z = torch.from_numpy((train.features - mean) / scale)
    bias = torch.tensor(found.bias + found.weight @ mean)
    loss = MarginalLoss(TREE).each(z @ rows.T + bias, torch.from_numpy(train.labels)).mean()
    # Of rows W = A V, the least |V|^2 is W' (A A')^-1 W.
    inverse = torch.linalg.inv(torch.from_numpy(TREE.above @ TREE.above.T))
    (loss + (rows * (inverse @ rows)).sum() / (2 * strength * len(z))).backward()
    assert rows.grad is not None
    assert rows.grad.abs().max().item() < 2e-3


def test_photos_labelled_above_a_leaf_teach_their_parent() -> None:
    few, more, held_out = blobs(TREE, 12, 3), blobs(TREE, 300, 4), blobs(TREE, 400, 5)
    is_b = more.labels == TREE.names.index("b")
    coarse = Photos(more.features, np.where(is_b, more.labels, TREE.names.index("a")), TREE.names)
    both = Photos(np.concatenate([few.features, coarse.features]), np.concatenate([few.labels, coarse.labels]))
    strengths, losses = [], []
    for train in (few, both):
        found = tree_prior.solve(TREE, train, held_out, loss=MarginalLoss(TREE))
        logits = torch.from_numpy(held_out.features @ found.weight.T + found.bias)
        nodes = np.where(held_out.labels == TREE.names.index("b"), held_out.labels, TREE.names.index("a"))
        losses.append(MarginalLoss(TREE).each(logits, torch.from_numpy(nodes)).mean().item())
        strengths.append(found.strength)
    assert losses[1] < losses[0]
    assert strengths[1] >= 1, "the search goes on past the strengths at which the leaves have no say"
