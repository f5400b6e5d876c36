"""The search ends at the minimum of a convex loss, and leaves what it began with as it is."""

from __future__ import annotations

import torch
from torch import Tensor

from visionft.training.lbfgs import minimum


def test_the_minimum_of_a_quadratic_is_that_of_its_equation() -> None:
    torch.manual_seed(0)
    root, wanted = torch.randn(6, 6, dtype=torch.float64), torch.randn(6, dtype=torch.float64)
    matrix, shift = root @ root.T + torch.eye(6), torch.tensor(3.0, dtype=torch.float64)
    start = [torch.zeros(6, dtype=torch.float64), torch.zeros((), dtype=torch.float64)]

    def loss(x: Tensor, y: Tensor) -> Tensor:
        return x @ matrix @ x / 2 - wanted @ x + (y - shift).square()

    x, y = minimum(loss, start, 200, 1e-12)
    assert torch.allclose(x, torch.linalg.solve(matrix, wanted), atol=1e-5)
    assert torch.allclose(y, shift, atol=1e-5)
    assert not any(tensor.any() or tensor.requires_grad for tensor in start)
    assert not x.requires_grad


def test_it_takes_no_more_iterations_than_it_may() -> None:
    asked = []

    def loss(x: Tensor) -> Tensor:
        asked.append(1)
        return (x**4).sum() + x.sum()

    minimum(loss, [torch.full((3,), 5.0)], 1, 0.0)
    assert len(asked) <= 1 + 25  # of one line search
