"""What the machine has: device, arithmetic, cores."""

from __future__ import annotations

import os
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import torch

from visionft.compat.torch_private import processor_has_bf16
from visionft.errors import UsageError


def pick_device(wanted: str) -> str:
    """Return "cuda" or "cpu".

    Raises:
        UsageError: CUDA was asked for and there is none.
    """
    if wanted == "cuda" and not torch.cuda.is_available():
        raise UsageError("--hardware.device is cuda, but torch sees no CUDA device here; leave it out or give cpu")
    if wanted == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    return wanted


def cores() -> int:
    """Return the processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def load(samples: int = 10) -> float:
    """Return how many other processes a core want to run, over a second; 0 where the system does not say.

    The kernel's own averages still hold, a minute later, the work that has just ended.
    """
    running = Path("/proc/loadavg")
    if not running.is_file():
        return os.getloadavg()[0] / cores() if hasattr(os, "getloadavg") else 0.0
    found = 0
    for _ in range(samples):
        # this one runs while it reads; a sandbox may count nobody
        found += max(0, int(running.read_text().split()[3].partition("/")[0]) - 1)
        time.sleep(1 / samples)
    return found / samples / cores()


def has_bf16(device: str) -> bool:
    """Tell whether "cuda" or "cpu" multiplies bf16 natively (a processor: AVX512-BF16 or AMX); else it is emulated."""
    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return processor_has_bf16()


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


def inference_dtype(device: str) -> torch.dtype | None:
    """Return the autocast dtype for passes that need no gradient, or none for fp32."""
    if has_bf16(device):
        return torch.bfloat16
    return torch.float16 if device == "cuda" else None


def full_precision() -> None:
    """Turn TF32 off: final figures are those of fp32."""
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False


@contextmanager
def exactly() -> Iterator[None]:
    """Compute as final figures are while the block runs, and as before afterwards."""
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matmul.allow_tf32, cudnn.allow_tf32
    full_precision()
    try:
        yield
    finally:
        matmul.allow_tf32, cudnn.allow_tf32 = before


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
