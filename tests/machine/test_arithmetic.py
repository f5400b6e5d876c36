"""Torch's settings of a whole process, each with its way back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NoReturn

import pytest
import torch

from visionft.machine.arithmetic import full_precision, same_threads, threads


def fail(holds: bool) -> NoReturn:
    """Look at something inside a block, and fail there."""
    assert holds
    raise ZeroDivisionError


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_threads_hold_for_their_block_and_come_back_after_a_failure() -> None:
    with pytest.raises(ZeroDivisionError), threads(2):
        fail(torch.get_num_threads() == 2)
    assert torch.get_num_threads() == 1


def test_a_decorated_function_may_set_what_it_likes() -> None:
    @same_threads()
    def careless() -> int:
        torch.set_num_threads(2)
        return torch.get_num_threads()

    assert (careless(), torch.get_num_threads()) == (2, 1)


def test_final_figures_are_computed_without_tf32() -> None:
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matmul.allow_tf32, cudnn.allow_tf32
    try:
        matmul.allow_tf32 = cudnn.allow_tf32 = True
        with pytest.raises(ZeroDivisionError), full_precision():
            fail((matmul.allow_tf32, cudnn.allow_tf32) == (False, False))
        assert (matmul.allow_tf32, cudnn.allow_tf32) == (True, True)
    finally:
        matmul.allow_tf32, cudnn.allow_tf32 = before
