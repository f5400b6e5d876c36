"""A want of memory is known by whichever library says it, and told in one sentence."""

from __future__ import annotations

import pytest
import torch

from visionft.errors import MemoryShortError
from visionft.machine.memory import free_memory, is_out_of_memory, memory_shortage_said, peak_memory

WANTS = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
    MemoryError(),
]


@pytest.mark.parametrize("error", WANTS, ids=str)
def test_a_want_of_memory_is_one_sentence(error: Exception) -> None:
    @memory_shortage_said("training", "give a smaller")
    def work() -> None:
        raise error

    with pytest.raises(MemoryShortError, match=r"^training ran out of memory on .*; give a smaller$") as told:
        work()
    assert ("the GPU" in str(told.value)) == ("CU" in str(error))


def test_the_processors_own_allocator_is_understood() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 60, dtype=torch.uint8)
    assert is_out_of_memory(caught.value)


def test_other_faults_stay_what_they_are() -> None:
    with pytest.raises(RuntimeError, match="shapes"), memory_shortage_said("training", "x"):
        raise RuntimeError("shapes do not fit")


def test_the_most_held_is_no_less_than_what_is_held_now() -> None:
    held = torch.ones(50_000_000, dtype=torch.uint8)
    assert peak_memory("cpu") > held.nbytes
    assert free_memory() > 0
