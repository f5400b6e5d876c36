"""Work in another process: its answer, its failures, and that nothing of it survives."""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from visionft.errors import BackboneError, MemoryShortError, SettingsError, VisionftError
from visionft.machine import subprocesses
from visionft.machine.progress import SILENT
from visionft.machine.subprocesses import TaskError, in_process

TASKS = '''
import os, signal, subprocess, sys, time
from pathlib import Path
from visionft.errors import BackboneError, SettingsError

def double(x, *, advance):
    print("noise on standard output")
    advance(1, 2)
    advance(2, 2)
    return 2 * x, os.getpid()

def draws_bars(*, advance):
    return "VISIONFT_NO_BARS" not in os.environ

def refuse(*, advance):
    raise BackboneError("there are no such layers; take another method")

def two_faults(*, advance):
    raise SettingsError(["first fault", "second fault"])

def divide(*, advance):
    return 1 / 0

def die(*, advance):
    os.kill(os.getpid(), signal.SIGKILL)

def leave(*, advance):
    os._exit(3)

def work(place, *, advance):
    """Work for ever, with a reader that heeds nothing."""
    deaf = "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(600)"
    reader = subprocess.Popen([sys.executable, "-c", deaf])
    Path(place).with_suffix(".part").write_text(f"{os.getpid()} {reader.pid}")
    Path(place).with_suffix(".part").rename(place)
    advance(1, 2)
    time.sleep(600)
'''
PATIENCE = 60.0  # seconds until a process of a busy machine has started or ended


@pytest.fixture
def tasks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return a module that the other Python finds on the path too."""
    (tmp_path / "tasks_of_a_test.py").write_text(TASKS)
    monkeypatch.syspath_prepend(tmp_path)
    sys.modules.pop("tasks_of_a_test", None)
    return importlib.import_module("tasks_of_a_test")


def ignore(done: int, total: int) -> None:
    pass


def alive(pid: int) -> bool:
    """Tell whether a process runs; one that ended may lie about as a zombie where nobody collects it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def all_gone(place: Path) -> bool:
    pids = [int(word) for word in place.read_text().split()]
    assert len(pids) == 2
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and any(map(alive, pids)):
        time.sleep(0.05)
    return not any(map(alive, pids))


def test_answers_and_reports_from_a_process_of_its_own(tasks: Any, capfd: pytest.CaptureFixture[str]) -> None:
    seen: list[tuple[int, int]] = []
    answer, pid = in_process(tasks.double, 21, advance=lambda done, total: seen.append((done, total)))
    assert (answer, seen) == (42, [(1, 2), (2, 2)])
    assert pid != os.getpid()
    assert not alive(pid)
    assert capfd.readouterr().out == "", "standard output is the caller's"


def test_its_bars_are_not_drawn_over_the_callers(tasks: Any) -> None:
    assert in_process(tasks.draws_bars, advance=ignore) is False
    assert SILENT not in os.environ


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("refuse", BackboneError, "there are no such layers; take another method"),
        ("two_faults", SettingsError, "first fault\nsecond fault"),
        ("divide", TaskError, "ZeroDivisionError: division by zero"),
        ("die", MemoryShortError, r"the system killed the process that tried this \(signal 9\), .* choose a smaller"),
        ("leave", TaskError, "the process ended with the code 3 and no word"),
    ],
)
def test_failures_arrive_as_what_they_are(tasks: Any, name: str, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=words) as caught:
        in_process(getattr(tasks, name), advance=ignore)
    assert isinstance(caught.value, VisionftError) == (kind is not TaskError)


def test_two_faults_stay_two(tasks: Any) -> None:
    with pytest.raises(SettingsError) as caught:
        in_process(tasks.two_faults, advance=ignore)
    assert caught.value.faults == ("first fault", "second fault")


def test_an_interruption_leaves_no_process(tasks: Any, tmp_path: Path) -> None:
    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        in_process(tasks.work, str(tmp_path / "pids"), advance=interrupt)
    assert all_gone(tmp_path / "pids")


def test_a_caller_that_is_killed_leaves_no_process(tasks: Any, tmp_path: Path) -> None:
    script = (
        "import sys, tasks_of_a_test\n"
        f"sys.path.insert(0, {str(Path(subprocesses.__file__).parent)!r})\n"
        "import subprocesses\n"  # the file by itself: nothing heavy is imported
        "subprocesses.in_process(tasks_of_a_test.work, sys.argv[1], advance=lambda *_: None)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    place = tmp_path / "pids"
    with subprocess.Popen([sys.executable, "-c", script, str(place)], env=environment) as caller:
        end = time.monotonic() + PATIENCE
        while not place.is_file() and time.monotonic() < end:
            time.sleep(0.05)
        caller.send_signal(signal.SIGKILL)
    assert all_gone(place)
