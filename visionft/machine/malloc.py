"""Make glibc keep the large buffers of training instead of returning them to the kernel after each use."""

from __future__ import annotations

import ctypes
import sys

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3  # numbers of malloc.h


def keep_freed_memory() -> bool:
    """Serve large tensors from the heap and keep it: else every activation is mapped, zeroed and unmapped again.

    On Linux with glibc only; measured as half of the step's time at 224 pixels and 32 photos on a processor
    (benchmarks/micro_batch.py). Returns whether the settings took effect.
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
