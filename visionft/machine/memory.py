"""Memory: what is free, what was held at most, and glibc's large buffers."""

from __future__ import annotations

import ctypes
import os
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import torch

from visionft.errors import MemoryShortError

ON_PROCESSOR = "end what else uses the GPU, or hide it with CUDA_VISIBLE_DEVICES= to take the processor"
"""What helps where nothing is trained."""
_ALLOCATION_FAILED = (
    "CUBLAS_STATUS_ALLOC_FAILED", "CUDNN_STATUS_ALLOC_FAILED", "CUSOLVER_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED", "DefaultCPUAllocator: can't allocate memory",
    "DefaultCPUAllocator: not enough memory",
)  # fmt: skip
"""What torch's libraries say in a plain RuntimeError where their own allocations fail."""
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3  # numbers of malloc.h


def free_memory() -> int:
    """Return the bytes that this process can still take: those of the machine, or of its control group if fewer."""
    if not Path("/proc/meminfo").is_file():
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2 if hasattr(os, "sysconf") else 4 << 30
    lines = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
    free = int(lines["MemAvailable"].split()[0]) * 1024
    with suppress(OSError, ValueError):  # no control group, or one without a limit
        limit, used = (int(Path("/sys/fs/cgroup", f"memory.{name}").read_text()) for name in ("max", "current"))
        free = min(free, limit - used)
    return free


def peak_memory(device: str) -> int:
    """Return the most memory that this process held, in bytes: the device's on a GPU, else its share of the machine's.

    On Linux the figure of the kernel's own table: `getrusage` starts from that of the process that started this one.
    """
    if device == "cuda":
        return int(torch.cuda.max_memory_allocated())
    status = Path("/proc/self/status")
    if status.is_file():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error is a want of memory, of the device or of the machine."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in _ALLOCATION_FAILED)


@contextmanager
def memory_shortage_said(doing: str, cure: str) -> Iterator[None]:
    """Say in one sentence that the block, or the function that is so decorated, ran out of memory.

    Args:
        doing: what ran out of it.
        cure: what to do about it.

    Raises:
        MemoryShortError: it ran out.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        where = (
            "the GPU" if any(name in str(error) for name in ("CUDA", "CUBLAS", "CUDNN", "CUSOLVER")) else "this machine"
        )
        raise MemoryShortError(f"{doing} ran out of memory on {where}; {cure}") from error


def keep_freed_memory() -> bool:
    """Serve large tensors from the heap and keep it: else every activation is mapped, zeroed and unmapped again.

    On Linux with glibc only; measured as half of the step's time at 224 pixels and 32 photos on a processor
    (benchmarks/micro_batch.py). It holds for the process and cannot be taken back: glibc does not tell what was set
    before. Returns whether the settings took effect.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    wanted = ((_MMAP_THRESHOLD, 1 << 30), (_TRIM_THRESHOLD, (1 << 31) - 1), (_TOP_PAD, 1 << 28))
    answers = [mallopt(option, value) for option, value in wanted]
    return all(answer == 1 for answer in answers)
