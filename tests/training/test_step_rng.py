"""Random numbers of the network's own are pure functions of (seed, step)."""

from __future__ import annotations

import torch

from visionft.training.step_rng import seed_step


def drawn(seed: int, step: int, rank: int = 0) -> list[float]:
    seed_step(seed, step, rank)
    return torch.rand(4).tolist()


def test_a_step_draws_what_it_drew_whatever_was_drawn_between() -> None:
    first = drawn(3, 7)
    torch.rand(100)
    assert drawn(3, 7) == first


def test_seeds_steps_and_processes_draw_apart() -> None:
    found = [tuple(drawn(*which)) for which in ((3, 7), (7, 3), (3, 8), (4, 7), (3, 7, 1), (3, 7, 2))]
    assert len(set(found)) == len(found)
    assert drawn(3, 7, 0) == list(found[0]), "the first process draws what one alone would"
    seed_step(2**31 - 1, 10**9)
