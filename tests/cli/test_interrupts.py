"""Signals: one sentence and the shell's exit code, at once at work and after it where a module is being imported."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from visionft.cli.interrupts import StoppedError, handled_signals


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Yield the name of a module that is interrupted while it is imported."""
    monkeypatch.syspath_prepend(str(tmp_path))
    name = "interrupted_by_a_test"
    (tmp_path / f"{name}.py").write_text("import signal\nsignal.raise_signal(signal.SIGNUM)\nwhole = True\n")
    yield name
    sys.modules.pop(name, None)


@pytest.mark.parametrize(("number", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_a_signal_during_an_import_waits_for_its_end(module: str, number: str, code: int, tmp_path: Path) -> None:
    path = tmp_path / f"{module}.py"
    path.write_text(path.read_text().replace("SIGNUM", number))
    before = [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)]

    def work(seconds: float) -> None:
        with handled_signals():
            __import__(module)
            assert sys.modules.pop(module).whole
            time.sleep(seconds)

    for seconds in (20, 0):  # stopped at work, and after it
        began = time.monotonic()
        with pytest.raises(StoppedError, match=r"^(interrupted|terminated; .*)$") as caught:
            work(seconds)
        assert caught.value.exit_code == code
        assert time.monotonic() - began < 15
    assert [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)] == before


def test_a_signal_at_work_comes_at_once() -> None:
    reached = []

    def work() -> None:
        with handled_signals():
            signal.raise_signal(signal.SIGINT)
            reached.append("what comes after it")

    with pytest.raises(StoppedError, match=r"^interrupted$"):
        work()
    assert reached == []


@pytest.mark.parametrize(("number", "line"), [
    (signal.SIGINT, "interrupted"), (signal.SIGTERM, "terminated; the same command starts again or goes on"),
])  # fmt: skip
@pytest.mark.parametrize("wanted", ["visionft.cli.app", "numpy.linalg"])
def test_a_real_process_that_is_stopped_while_it_imports(
    wanted: str, number: signal.Signals, line: str, here: Path
) -> None:
    (here / "photos" / "bundle.json").write_text("{}")  # so that torch need not be waited for
    code = f"""
import os, sys
class Stop:
    def find_spec(self, name, path=None, target=None):
        if name == {wanted!r}:
            os.kill(os.getpid(), {int(number)})
sys.meta_path.insert(0, Stop())
from visionft.cli import main
sys.exit(main(["predict", "photos", "photos"]))
"""
    told = subprocess.run(
        ["env", "--default-signal=INT", sys.executable, "-c", code], capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )  # fmt: skip
    # What comes right after the import may still be said; the end is the signal's.
    assert (told.returncode, told.stdout) == (128 + number, "")
    *before, last = told.stderr.splitlines()
    assert last == f"visionft: {line}"
    assert all(said.startswith("visionft: ") for said in before)


@pytest.mark.slow
def test_a_second_signal_during_an_import_is_not_kept_waiting(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text("import time\nprint('importing', flush=True)\ntime.sleep(60)\n")
    code = "from visionft.cli.interrupts import handled_signals\nwith handled_signals():\n    import slow"
    command = ["env", "--default-signal=INT", sys.executable, "-c", code]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [str(tmp_path), *sys.path]))}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "importing\n"
        process.send_signal(signal.SIGINT)
        time.sleep(1)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        said = process.stderr.read()
    assert (process.returncode, said) == (130, "visionft: interrupted\n")
