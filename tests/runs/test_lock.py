"""One live process a run folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from visionft.errors import RunBusyError
from visionft.runs import layout, lock

# Takes the lock by the same system call, without importing torch.
HOLDER = """
import fcntl, os, sys, time
file = open(sys.argv[1], "a+")
fcntl.flock(file, fcntl.LOCK_EX)
file.write(str(os.getpid())); file.flush()
print("held", flush=True)
time.sleep(60)
"""


def test_the_lock_is_free_again_afterwards(tmp_path: Path) -> None:
    for _ in range(2):
        with lock.held(tmp_path):
            assert (tmp_path / layout.LOCK).read_text() == str(os.getpid())


def test_a_failure_lets_go(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="boom"), lock.held(tmp_path):
        raise ValueError("boom")
    with lock.held(tmp_path):
        pass


def test_another_process_is_named_and_its_death_lets_go(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDER, str(tmp_path / layout.LOCK)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        sentence = rf"in use by another process \(number {other.pid}\); wait for it, stop it, or choose another --out"
        with pytest.raises(RunBusyError, match=sentence), lock.held(tmp_path):
            pass
        other.send_signal(signal.SIGKILL)
    with lock.held(tmp_path):
        pass
