"""Processor cores: how many there are, and how many others want them."""

from __future__ import annotations

import os
import time
from pathlib import Path


def cores() -> int:
    """Return the processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def installed() -> int | None:
    """Return the processors of the machine, of which a container or a scheduler may give this process fewer."""
    return os.cpu_count()


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
