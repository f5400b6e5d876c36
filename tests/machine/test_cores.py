"""Cores, and the load on them."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import visionft
from visionft.machine.cores import cores, installed, load

COUNTS = {"cpu_count", "process_cpu_count", "sched_getaffinity"}


def test_load_counts_the_work_of_others_at_once() -> None:
    spinning = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2 * cores())]
    try:
        assert load() > 1
    finally:
        for each in spinning:
            each.kill()
            each.wait()


def test_the_cores_are_those_that_this_process_may_use() -> None:
    one = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); "
    said = subprocess.run(
        [sys.executable, "-c", one + "from visionft.machine.cores import *; print(cores(), installed())"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert said.stdout.split() == ["1", str(os.cpu_count())]
    assert 1 <= cores() <= (installed() or 1)


def test_cores_are_counted_in_one_place() -> None:
    root = Path(visionft.__file__).parent
    found = {
        file.relative_to(root).as_posix()
        for file in root.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in COUNTS
    }
    assert found == {"machine/cores.py"}
