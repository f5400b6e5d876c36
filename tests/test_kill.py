"""A real process that is killed at any moment, and started again with the same command, ends with the same weights."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from tests.killing import killed
from visionft.runs import Run, layout
from visionft.settings import METHODS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

KILLS = 20
"""Of real processes; `tests/test_kill_points.py` has two hundred of forks."""
SHARES = (0.35, 0.8)
"""Of the course of a run, where forks of one of each method are killed: before a touch of its files, and at a time."""
NO_PICTURES = {"report.pictures": "none"}
SEED = 20261
PATIENCE = 120.0  # seconds that a process may take until it works
PHASES = "[{epochs: 6, unfreeze: 0.3}, {epochs: 6, unfreeze: 1.0, lr: 0.001}]"
COMMON = {
    "backbone": "test_resnet", "weights": "none", "preprocess.size": "32", "augment.size": "32", "optim.ema": "0.9",
    "optim.batch-size": "8", "optim.micro-batch": "8", "hardware.device": "cpu", "hardware.precision": "fp32",
    "hardware.workers": "0", "hardware.threads": "1",
}  # fmt: skip
GRADUAL = {"method": "gradual", "method.phases": PHASES, "method.cycles": "3"}
# The tests' processes change the folder, where a source tree that is not installed would not be found.
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OMP_NUM_THREADS": "1"}


def command(photos: Path, out: Path, more: dict[str, str] | None = None) -> list[str]:
    """Return the command line; a checkpoint is written after every step, so that kills meet many of them."""
    flags = {**COMMON, "hardware.checkpoint-seconds": "0", **(more or GRADUAL), "out": str(out)}
    if "from" in flags:  # the earlier run brings its network and its transform
        flags = {name: value for name, value in flags.items() if name not in ("backbone", "weights", "preprocess.size")}
    spelt = [word for name, value in flags.items() for word in (f"--{name}", value)]
    return [sys.executable, "-m", "visionft", "fit", str(photos), *spelt]


@contextmanager
def started(arguments: list[str], log: Path) -> Iterator[subprocess.Popen[str]]:
    """Start a process whose output goes to LOG.out and LOG.err; it never outlives the block."""
    with log.with_suffix(".out").open("a") as out, log.with_suffix(".err").open("a") as err:
        process = subprocess.Popen(arguments, stdout=out, stderr=err, text=True, env=ENVIRONMENT)
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()


def wait_for(happened: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Wait until something happened or the process ended."""
    until = time.monotonic() + PATIENCE
    while not happened() and process.poll() is None:
        assert time.monotonic() < until, "the process does not get to work"
        time.sleep(0.002)


def steps_from_now(folder: Path) -> Callable[[], bool]:
    """Return what tells whether a checkpoint was written since this call: then start-up is over."""
    before = written(folder)
    return lambda: written(folder) != before


def written(folder: Path) -> int | None:
    try:
        return (folder / layout.CHECKPOINT).stat().st_mtime_ns
    except FileNotFoundError:
        return None


def uninterrupted(photos: Path, out: Path, flags: dict[str, str]) -> float:
    """Run to the end; return the seconds from the first checkpoint, the start of the schedule, to the result."""
    with started(command(photos, out, flags), out.with_name("whole-log")) as process:
        wait_for(steps_from_now(out), process)
        began = time.monotonic()
        wait_for((out / layout.RESULT).is_file, process)
        seconds = time.monotonic() - began
        assert process.wait(PATIENCE) == 0, out.with_name("whole-log.err").read_text()
    return seconds


def killed_while_it_works(arguments: list[str], out: Path, after: float) -> bool:
    """Start, let it work for `after` seconds, kill; return whether that hit the process alive."""
    with started(arguments, out.with_name(f"{out.name}-log")) as process:
        wait_for(steps_from_now(out), process)
        try:
            code = process.wait(after)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            return process.wait() == -signal.SIGKILL
    assert code == 0, out.with_name(f"{out.name}-log.err").read_text()
    return False


def weights(folder: Path) -> bytes:
    return (folder / layout.WEIGHTS).read_bytes()


def test_twenty_kills_across_one_schedule_change_no_bit(shapes: Path, tmp_path: Path) -> None:
    """One run is killed again and again through its course; the moments are uniform over the schedule's duration."""
    folders = killed_through_its_course(shapes, tmp_path, KILLS, {})
    for out in folders:
        assert {entry.name for entry in out.iterdir()} == layout.FINISHED | layout.REPORTED | {layout.EVALUATION}
        assert Run.open(out).fingerprint == Run.open(tmp_path / "whole").fingerprint


@pytest.mark.parametrize("method", sorted(METHODS.keys() - {"head", "prototypes", "gradual"}))
def test_kills_change_no_bit_of_any_method(shapes: Path, tmp_path: Path, method: str) -> None:
    flags = {"method": method, "epochs": "4", "backbone": "test_vit", "preprocess.size": "none", "augment.size": "160"}
    course = killed(shapes, tmp_path, SHARES, width=1, **flags, **NO_PICTURES)
    files = list((course.whole / layout.ADAPTER).glob("*"))
    assert bool(files) == (method in ("lora", "qlora", "adapter", "prompt"))


def test_kills_change_no_bit_where_a_frozen_part_is_remembered(shapes: Path, tmp_path: Path) -> None:
    shares = np.linspace(0.1, 0.95, 3 * len(SHARES)).tolist()
    killed(shapes, tmp_path, shares, width=1, **GRADUAL, **NO_PICTURES, **{"augment.views": "2", "epochs": None})
    assert "ran once for 2 views of 40 photos" in (tmp_path / "whole.log").read_text()


def test_kills_change_no_bit_of_a_run_that_goes_on_from_another(shapes: Path, tmp_path: Path) -> None:
    for kind in ("disc", "square"):
        shutil.copytree(shapes / kind, tmp_path / "photos" / kind)
    whole = command(tmp_path / "photos", tmp_path / "first", {"method": "full", "epochs": "2"})
    subprocess.run(whole, capture_output=True, env=ENVIRONMENT, check=True)
    brought = dict.fromkeys(("backbone", "weights", "preprocess.size"))  # the earlier run brings them
    flags = {"from": str(tmp_path / "first"), "method": "full", "epochs": "10"}
    course = killed(shapes, tmp_path, SHARES, width=1, **brought, **flags, **NO_PICTURES)
    assert (course.whole / layout.EVALUATION / "before_after.json").is_file()


def killed_through_its_course(photos: Path, folder: Path, kills: int, flags: dict[str, str]) -> list[Path]:
    """Run once whole, then killed at random moments; see that the weights are equal and return the killed runs."""
    whole = folder / "whole"
    seconds = uninterrupted(photos, whole, flags)
    moments = np.sort(np.random.default_rng(SEED).uniform(0.0, seconds, kills))
    gaps = np.diff(moments, prepend=0.0).tolist()
    hits, while_writing, folders = 0, 0, []
    while gaps:  # a run that is quicker than the measured one ends before the last moments: they go to another run
        out = folder / f"killed-{len(folders)}"
        folders.append(out)
        while gaps and killed_while_it_works(command(photos, out, flags), out, gaps[0]):
            gaps.pop(0)
            hits += 1
            while_writing += any(out.glob(".*.part"))
        with started(command(photos, out, flags), out.with_name("last-log")) as process:
            assert process.wait(PATIENCE) == 0, out.with_name("last-log.err").read_text()
    print(f"schedule of {seconds:.1f} s: {hits} kills hit, {while_writing} while a file was written, runs: {folders}")
    assert hits == kills
    assert all(weights(out) == weights(whole) for out in folders)
    return folders


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_is_answered_with_one_sentence_and_the_same_command_goes_on(
    shapes: Path, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    out, log = tmp_path / "run", tmp_path / "log"
    with started(command(shapes, out), log) as process:
        wait_for(steps_from_now(out), process)
        process.send_signal(number)
        assert process.wait(PATIENCE) == code
    assert log.with_suffix(".err").read_text() == f"visionft: interrupted; the same command goes on with {out}\n"
    assert not (out / layout.RESULT).exists()
    with started([*command(shapes, out), "--json"], log) as process:
        assert process.wait(PATIENCE) == 0
    assert f"going on with the unfinished run {out} after step " in log.with_suffix(".err").read_text()
    assert json.loads(log.with_suffix(".out").read_text().splitlines()[-1])["run"] == str(out)


def test_a_second_process_is_refused_while_the_first_works(shapes: Path, tmp_path: Path) -> None:
    out, log = tmp_path / "run", tmp_path / "log"
    endless = {**GRADUAL, "method.cycles": "400"}
    with started(command(shapes, out, endless), log) as first:
        wait_for(steps_from_now(out), first)
        second = subprocess.run(
            command(shapes, out, endless), capture_output=True, text=True, env=ENVIRONMENT, check=False
        )
        assert first.poll() is None
        sentence = (
            f"{out} is in use by another process (number {first.pid}); wait for it, stop it, or choose another --out"
        )
        assert (second.returncode, second.stderr) == (1, f"visionft: {sentence}\n")
