"""Kills fits at points spread over all of their course, goes on with them, and compares them with the undisturbed one.

A fork without imports takes a second, so that there can be hundreds of kills, half of them before a certain touch of
the run's files, and half at a certain time.
"""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from visionft.runs import Run, layout

FLAGS = {
    "backbone": "test_resnet", "weights": "none", "epochs": "3", "preprocess.size": "32", "augment.size": "32",
    "optim.ema": "0.9", "optim.batch-size": "8", "optim.micro-batch": "8", "hardware.device": "cpu",
    "hardware.precision": "fp32", "hardware.workers": "0", "hardware.threads": "1", "hardware.checkpoint-seconds": "0",
}  # fmt: skip
BEFORE_AFTER = "before_after.json"
OWN = {
    layout.SETTINGS, layout.CHECKPOINT, layout.LOCK, layout.DIGESTS, layout.RESULT, layout.METRICS, "metrics.json",
    *layout.PAGE, BEFORE_AFTER,
}  # fmt: skip
"""Files that name the folder, a process or times; the figures of the others from the fifth on are compared one by one,
and the pages word for word but for these."""
TIMES = {"seconds", "images_per_second", "peak_memory_mb", "subject"}
OF_ITS_OWN = re.compile(r'<section id="cost">.*?</section>|<tr><th scope="row">(?:command|out)</th>.*?</tr>', re.DOTALL)
"""What a page says of times, of the command and of the folder."""
# The package under test comes first; the tests' own folder is for the forking process alone.
PATHS = [*filter(None, sys.path), str(Path(__file__).resolve().parents[1])]
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(PATHS), "OMP_NUM_THREADS": "1"}


@dataclass
class Forking:
    """The process that forks; for one thread at a time."""

    process: subprocess.Popen[str]
    flags: dict[str, str]

    def fit(self, photos: Path, out: Path, event: int | None = None, seconds: float | None = None) -> dict[str, Any]:
        """Fit in a child that is killed at a point; code 0 where it ended before."""
        spelt = [word for name, value in self.flags.items() for word in (f"--{name}", value)]
        order = {
            "arguments": ["fit", str(photos), "--out", str(out), *spelt], "out": str(out), "event": event,
            "log": str(out.with_name(f"{out.name}.log")), "seconds": seconds,
        }  # fmt: skip
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(json.dumps(order), file=self.process.stdin, flush=True)
        found: dict[str, Any] = json.loads(self.process.stdout.readline())
        assert found["code"] in (0, -signal.SIGKILL), Path(order["log"]).read_text()
        return found


@contextmanager
def forking(flags: dict[str, str]) -> Iterator[Forking]:
    command = [sys.executable, "-m", "tests.forking"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield Forking(process, flags)
        assert process.stdin is not None
        process.stdin.close()


@dataclass
class Course:
    """Kills of one run's course.

    Attributes:
        photos: what is fitted to.
        whole: the undisturbed run.
        events: how often that one touched its files.
        seconds: how long it took.
        written: at how many kills something was being written.
    """

    photos: Path
    whole: Path
    events: int
    seconds: float
    written: list[str] = field(default_factory=list)

    def kill(self, forker: Forking, out: Path, share: float, by_time: bool) -> None:
        """Kill a new fit at a share of its course, go on with it, and compare."""
        event = None if by_time else 1 + int(share * (self.events - 1))
        seconds = share * self.seconds if by_time else None
        found = forker.fit(self.photos, out, event, seconds)
        while found["code"] == 0:  # quicker than the measured one
            assert seconds is not None, "it did not come to that touch"
            seconds *= 0.9
            out = out.with_name(f"{out.name}-again")
            found = forker.fit(self.photos, out, event, seconds)
        if any(out.glob(".*.part")):
            self.written.append(out.name)
        assert forker.fit(self.photos, out)["code"] == 0
        assert differences(self.whole, out) == {}, f"{out.name}, killed at {share:.3f} {'by time' if by_time else ''}"
        assert Run.open(out).fingerprint == Run.open(self.whole).fingerprint


def told(run: Path) -> dict[str, Any]:
    """Return all that a run says but for names, processes and times."""
    files = {str(file.relative_to(run)): file for file in run.rglob("*") if file.is_file()}
    found: dict[str, Any] = {name: file.read_bytes() for name, file in files.items() if file.name not in OWN}
    with files[layout.METRICS].open(encoding="utf-8") as table:
        found[layout.METRICS] = [timeless(row) for row in csv.DictReader(table)]
    for name in (layout.RESULT, "evaluation/test/metrics.json"):
        found[name] = timeless(json.loads(files[name].read_text(encoding="utf-8")))
    for name in files:
        if Path(name).name == BEFORE_AFTER:
            found[name] = files[name].read_text(encoding="utf-8").replace(str(run), "RUN")
        if Path(name).name == layout.REPORT:
            page = files[name].read_text(encoding="utf-8").replace(str(run), "RUN")
            found[name] = OF_ITS_OWN.sub("", page)
    return {**found, "names": sorted(files)}


def differences(whole: Path, other: Path) -> dict[str, Any]:
    """Return what another run says otherwise, by file: short enough to be read in the log of a machine that is gone."""
    ours, theirs = told(whole), told(other)
    return {
        name: (ours.get(name), theirs.get(name))
        for name in ours.keys() | theirs.keys()
        if ours.get(name) != theirs.get(name)
    }


def timeless(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in TIMES}


def killed(photos: Path, folder: Path, shares: Sequence[float], width: int, **flags: str | None) -> Course:
    """Kill a fit at each share of its course, by turns at a touch of its files and at a time, some at one time."""
    with ExitStack() as stack:
        given = {name: value for name, value in {**FLAGS, **flags}.items() if value is not None}
        every = [stack.enter_context(forking(given)) for _ in range(width)]
        whole = folder / "whole"
        assert every[0].fit(photos, whole)["code"] == 0
        found = every[0].fit(photos, folder / "again")  # kept choices and checked photos make it as quick as others
        assert (found["code"], differences(whole, folder / "again")) == (0, {})
        course = Course(photos, whole, found["events"], found["seconds"])
        idle: SimpleQueue[Forking] = SimpleQueue()
        for forker in every:
            idle.put(forker)

        def one(number: int) -> None:
            forker = idle.get()
            try:
                course.kill(forker, folder / f"killed-{number}", shares[number], by_time=number % 2 == 1)
            finally:
                idle.put(forker)

        with ThreadPoolExecutor(width) as pool:
            list(pool.map(one, range(len(shares))))
    return course
