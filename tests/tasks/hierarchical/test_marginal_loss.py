"""The loss of a node is that of its leaves together; the hierarchical one is the sum of its conditional terms."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from visionft.runs.criterion import Targets
from visionft.tasks.hierarchical.marginal_loss import ALPHA, MarginalLoss, shares
from visionft.tasks.hierarchical.taxonomy_tree import ROOT, Tree, with_ancestors

TREE = Tree(sorted(with_ancestors(["a/x/1", "a/x/2", "a/y", "b"])))
LEAVES = torch.from_numpy(TREE.leaves)


def logits(n: int = 6) -> torch.Tensor:
    return torch.randn(n, len(TREE.leaves), generator=torch.Generator().manual_seed(0)) * 3


def test_of_a_leaf_it_is_cross_entropy() -> None:
    outputs, places = logits(8), torch.arange(8) % 4
    found = MarginalLoss(TREE)(outputs, Targets(LEAVES[places]))
    assert found.item() == pytest.approx(F.cross_entropy(outputs, places, reduction="sum").item(), rel=1e-6)


def test_of_a_parent_it_is_the_loss_of_its_leaves_together() -> None:
    outputs, nodes = logits(len(TREE)), torch.arange(len(TREE))
    probabilities = torch.softmax(outputs.double(), 1) @ torch.from_numpy(TREE.above).double()
    wanted = -probabilities[nodes, nodes].log()
    assert MarginalLoss(TREE).each(outputs, nodes).numpy() == pytest.approx(wanted.numpy(), rel=1e-5)


def test_a_hopeless_parent_still_has_a_gradient() -> None:
    outputs = torch.tensor([[-400.0, -400.0, 0.0, 0.0]], requires_grad=True)
    node = torch.tensor([TREE.names.index("a/x")])
    loss = MarginalLoss(TREE)(outputs, Targets(node))
    loss.backward()
    assert loss.item() == pytest.approx(400, abs=1)
    assert outputs.grad is not None
    assert outputs.grad.isfinite().all()
    assert outputs.grad[0, :2].sum().item() == pytest.approx(-1, abs=1e-4)


def test_the_hierarchical_loss_sums_its_conditional_terms() -> None:
    outputs, nodes = logits(len(TREE)), np.arange(len(TREE))
    p = (torch.softmax(outputs.double(), 1) @ torch.from_numpy(TREE.above).double()).numpy()
    wanted = []
    for row, node in enumerate(nodes):
        line = [at for at in TREE.ancestors[node] if at != ROOT]
        above = [1.0, *(p[row, at] for at in line[:-1])]
        terms = [
            -np.exp(-ALPHA * d) * np.log(p[row, at] / q) for d, (at, q) in enumerate(zip(line, above, strict=True))
        ]
        wanted.append(sum(terms))
    assert MarginalLoss(TREE, "hxe").each(outputs, torch.from_numpy(nodes)).numpy() == pytest.approx(wanted, rel=1e-4)


def test_without_a_fall_of_weights_it_is_the_marginal_one() -> None:
    assert (shares(TREE, 0.0) != 0).sum(axis=1).tolist() == [1] * len(TREE)


def test_mixed_photos_share_the_loss() -> None:
    loss, outputs, one, other = MarginalLoss(TREE, "hxe"), logits(4), LEAVES, LEAVES.flip(0)
    found = loss(outputs, Targets(one, other, 0.3))
    assert found.item() == pytest.approx(
        0.3 * loss.each(outputs, one).sum().item() + 0.7 * loss.each(outputs, other).sum().item()
    )


def test_figures_ask_each_photo_at_its_own_level() -> None:
    sure = torch.full((3, 4), -9.0)
    sure[0, 1] = sure[1, 0] = sure[2, 3] = 9  # a/x/2, a/x/1, b
    nodes = torch.tensor([TREE.names.index(name) for name in ("a/x", "a/x/2", "b")])
    loss = MarginalLoss(TREE)
    figures = loss.figures(loss.sums(sure, nodes).tolist())
    assert figures.score == pytest.approx(2 / 3)  # a/x/2 is of a/x; a/x/1 is not a/x/2
    assert figures.loss == pytest.approx(loss.each(sure, nodes).mean().item(), rel=1e-5)
