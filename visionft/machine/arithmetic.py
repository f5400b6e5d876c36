"""Torch's settings of a whole process, each with its way back: threads, and TF32."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def same_threads() -> Iterator[None]:
    """Give torch back the number of threads that it has now, whatever the block, or the decorated function, sets."""
    before = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def threads(number: int) -> Iterator[None]:
    """Let torch compute in a number of threads while the block runs."""
    with same_threads():
        torch.set_num_threads(number)
        yield


@contextmanager
def full_precision() -> Iterator[None]:
    """Compute without TF32 while the block, or the function that is so decorated, runs: final figures are fp32's."""
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matmul.allow_tf32, cudnn.allow_tf32
    matmul.allow_tf32 = cudnn.allow_tf32 = False
    try:
        yield
    finally:
        matmul.allow_tf32, cudnn.allow_tf32 = before
