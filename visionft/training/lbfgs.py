"""The minimum of a smooth convex loss by L-BFGS with a line search (Math. Programming 45, 1989)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor


def minimum(
    loss: Callable[..., Tensor], start: Sequence[Tensor], most_iterations: int, tolerance_change: float
) -> list[Tensor]:
    """Return the tensors at the minimum, searched from the given ones, which stay as they are.

    Args:
        loss: of the tensors, [].
        start: tensors of any shapes.
        most_iterations: of the search, at most.
        tolerance_change: of the loss or of a step, below which the search ends.
    """
    found = [tensor.clone().requires_grad_(True) for tensor in start]
    search = torch.optim.LBFGS(
        found,
        max_iter=most_iterations,
        tolerance_grad=1e-6,
        tolerance_change=tolerance_change,
        history_size=10,
        line_search_fn="strong_wolfe",
    )

    def closure() -> Tensor:
        search.zero_grad()
        value = loss(*found)
        value.backward()  # type: ignore[no-untyped-call]  # torch left it untyped
        return value

    search.step(closure)  # type: ignore[no-untyped-call]  # torch left it untyped
    return [tensor.detach() for tensor in found]
