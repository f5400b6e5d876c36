"""Cores, and the load on them."""

from __future__ import annotations

import subprocess
import sys

from visionft.machine.cores import cores, load


def test_load_counts_the_work_of_others_at_once() -> None:
    spinning = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2 * cores())]
    try:
        assert load() > 1
    finally:
        for each in spinning:
            each.kill()
            each.wait()
