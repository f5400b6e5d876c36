"""Disks that are full or cannot be written, mounted for a test by root."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small(place: Path, size: str) -> Iterator[Path]:
    """Mount an empty disk of a size such as `200k` at a new folder."""
    place.mkdir(parents=True, exist_ok=True)
    _mounted("-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place))
    try:
        yield place
    finally:
        subprocess.run(["umount", place], check=True)


@contextmanager
def read_only(place: Path) -> Iterator[Path]:
    """Make what lies at a folder read-only, as a disk becomes that has faults."""
    _mounted("--bind", str(place), str(place))
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", place], check=True)
        yield place
    finally:
        subprocess.run(["umount", place], check=True)


def _mounted(*words: str) -> None:
    if os.geteuid() or subprocess.run(["mount", *words], capture_output=True, check=False).returncode:
        pytest.skip("SKIPPED ALOUD: a disk can be mounted by root alone")
