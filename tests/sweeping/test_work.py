"""Real sweeps: killed and gone on with, two commands on one database, failures that end nothing."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import visionft
from visionft.errors import DiskSpaceError, RunError, RunMismatchError
from visionft.runs import layout
from visionft.runs.run_list import list_runs
from visionft.sweeping import trial_run
from visionft.sweeping.sweep_result import DONE, FAILED

FLAGS = [
    "--backbone", "test_resnet", "--weights", "none", "--preprocess.size", "32", "--augment.size", "32",
    "--optim.batch-size", "8", "--optim.micro-batch", "8", "--hardware.workers", "0", "--hardware.precision", "fp32",
    "--hardware.threads", "1", "--hardware.device", "cpu", "--prune", "none", "--keep", "1", "--json",
]  # fmt: skip


def started(photos: Path, out: Path, *more: str, epochs: str = "2", **given: Any) -> subprocess.Popen[bytes]:
    words = [
        "sweep",
        str(photos),
        "--over",
        "lr=1e-4..1e-2,seed=0,1",
        "--trials",
        "4",
        "--out",
        str(out),
        *FLAGS,
        *more,
        "--epochs",
        epochs,
    ]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "visionft", *words]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **given)


@pytest.mark.slow
def test_a_killed_sweep_goes_on_and_two_commands_share_it(shapes: Path, tmp_path: Path) -> None:
    out = tmp_path / "sweep"
    first, deadline = started(shapes, out), time.monotonic() + 200
    while not (out / "trials" / "001" / layout.CHECKPOINT).is_file() and first.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    assert first.returncode == -signal.SIGKILL

    both = [started(shapes, out) for _ in range(2)]
    told = [one.communicate(timeout=250) for one in both]
    assert [one.returncode for one in both] == [0, 0], told
    assert "going on with the unfinished run" in (out / "logs" / "001.txt").read_text()
    results = [json.loads(stdout.splitlines()[-1]) for stdout, _ in told]
    whole = next(result for result in results if result["complete"])
    assert [row["state"] for row in whole["trials"]] == [DONE] * 4
    assert [row["seed"] for row in whole["trials"]] == ["0", "1", "0", "1"]
    rates = [row["settings"]["optim.lr"] for row in whole["trials"]]
    assert rates[0] == rates[1] != rates[2] == rates[3]
    logs = [(out / "logs" / f"00{number}.txt").read_text() for number in range(1, 5)]
    assert [log.count("\nepoch 2/2") for log in logs] == [1] * 4, "a trial was made twice"

    runs = [out / "trials" / f"00{number}" for number in range(1, 5)]
    assert [run for run in runs if (run / layout.WEIGHTS).is_file()] == [Path(whole["best_run"])]
    assert [run for run in runs if (run / layout.EVALUATION / "test").is_dir()] == [Path(whole["best_run"])]
    assert whole["test_top1"] is not None
    assert (out / "sweep.html").is_file()
    exports = [row.next[:1] for row in list_runs(out / "trials")]
    assert sorted(exports) == [(), (), (), ("export",)]


@pytest.mark.slow
def test_a_trial_that_fails_is_recorded_and_a_longer_sweep_goes_on(
    shapes: Path, small: dict[str, Any], tmp_path: Path
) -> None:
    said: list[str] = []
    flags = {**small, "backbone": "test_resnet"}
    del flags["backbone"]
    given: dict[str, Any] = {"out": tmp_path / "s", "say": said.append, "method": "head", **_solved(flags)}
    over = {"backbone": ["test_resnet", "nosuchbackbone"]}
    result = visionft.sweep(shapes, over=over, trials=2, **given)
    states = {row.settings["backbone"]: row.state for row in result.trials}
    assert states == {"test_resnet": DONE, "nosuchbackbone": FAILED}
    assert any("failed: timm has no backbone called 'nosuchbackbone'" in line for line in said)
    assert result.best.path == result.best_trial.run  # type: ignore[union-attr]
    assert result.following == ["export", str(result.best.path)]
    assert len(result.table) == 2

    said.clear()
    again = visionft.sweep(shapes, over=over, trials=5, **given)
    assert any("2 different combinations" in note for note in again.notes)
    assert "2 of 2 trials are done already" in said
    assert again.to_json()["trials"] == result.to_json()["trials"]


@pytest.mark.parametrize(("over", "draws"), [("seed=0..2", 1), ("preprocess.size=32,40,seed=0,1", 2)])
@pytest.mark.slow
def test_every_seed_of_a_finite_sweep_is_made(
    over: str, draws: int, shapes: Path, small: dict[str, Any], tmp_path: Path
) -> None:
    flags = {name: value for name, value in _solved(small).items() if name not in over}
    result = visionft.sweep(shapes, over=over, trials=4, out=tmp_path / "s", method="head", say=lambda _: None, **flags)
    seeds = ("0", "1", "2") if draws == 1 else ("0", "1")
    assert [tuple(row.seed for row in draw.trials) for draw in result.draws] == [seeds] * draws
    assert {row.state for row in result.trials} == {DONE}
    assert all(draw.mean is not None for draw in result.draws)
    assert result.complete
    assert result.test is not None


@pytest.mark.slow
@pytest.mark.parametrize("method", ["full", "head"])
def test_other_photos_end_a_sweep_before_it_trains_and_fail_no_trial(
    method: str, shapes: Path, small: dict[str, Any], tmp_path: Path
) -> None:
    photos = shutil.copytree(shapes, tmp_path / "photos")
    over, flags = {"preprocess.size": [32, 40, 48]}, small if method == "full" else _solved(small)
    flags = {name: value for name, value in flags.items() if name != "preprocess.size"}
    given: dict[str, Any] = {"out": tmp_path / "s", "say": lambda _: None, "method": method, **flags}
    visionft.sweep(photos, over=over, trials=1, **given)
    changed = photos / "disc" / "00.jpg"
    before = changed.read_bytes()
    changed.write_bytes((photos / "stripes" / "01.jpg").read_bytes())
    with pytest.raises(RunMismatchError, match=r"the photos changed since the sweep .*s was begun; give another --out"):
        visionft.sweep(photos, over=over, trials=3, **given)
    assert "epoch 1/1" not in (tmp_path / "s" / "logs" / "002.txt").read_text()
    assert not (tmp_path / "s" / "trials" / "002").exists()
    changed.write_bytes(before)
    result = visionft.sweep(photos, over=over, trials=3, **given)
    assert [row.state for row in result.trials] == [DONE] * 3


@pytest.mark.slow
def test_trouble_of_the_database_or_the_disk_is_one_sentence_and_fails_no_trial(
    shapes: Path, small: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database, whole = tmp_path / "s" / "study.db", tmp_path / "whole.db"
    flags = {name: value for name, value in _solved(small).items() if name != "preprocess.size"}
    given: dict[str, Any] = {"out": tmp_path / "s", "method": "head", "over": {"preprocess.size": [32, 40]}, **flags}

    def lose(line: str) -> None:
        if line.startswith("trial 1"):
            shutil.copy(database, whole)
            with sqlite3.connect(database) as connection:
                connection.execute("drop table trial_user_attributes")
            connection.close()

    with pytest.raises(RunError, match=r"the database of the sweep .*s failed \(no such table: .*\); mend it") as told:
        visionft.sweep(shapes, trials=2, say=lose, **given)
    assert "\n" not in str(told.value)
    shutil.copy(whole, database)

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(trial_run, "train", full)
        with pytest.raises(DiskSpaceError, match=r"the disk of .*s is full; make room"):
            visionft.sweep(shapes, trials=2, say=lambda _: None, **given)
    result = visionft.sweep(shapes, trials=2, say=lambda _: None, **given)
    assert [row.state for row in result.trials] == [DONE] * 2


def test_a_sweep_of_failures_alone_is_one_sentence(shapes: Path, small: dict[str, Any], tmp_path: Path) -> None:
    flags = _solved(small)
    del flags["backbone"]
    with pytest.raises(
        RunError, match=r"no trial of .*s can be chosen: timm has no backbone called .*; see .*sweep.html"
    ):
        visionft.sweep(
            shapes,
            over="backbone=nosuch,neither",
            trials=2,
            out=tmp_path / "s",
            method="head",
            say=lambda _: None,
            **flags,
        )


def _solved(flags: dict[str, Any]) -> dict[str, Any]:
    """Return those that have an effect where a head is solved."""
    kept = ("backbone", "weights", "preprocess.size", "hardware.workers", "hardware.threads", "hardware.device")
    return {name: flags[name] for name in kept if name in flags}


@pytest.mark.slow
@pytest.mark.parametrize(("number", "epochs"), [(signal.SIGINT, "500"), (signal.SIGKILL, "2")])
def test_helpers_end_with_their_parent_and_hear_of_an_interrupt_once(
    number: signal.Signals, epochs: str, shapes: Path, tmp_path: Path
) -> None:
    """A terminal sends ^C to a whole group, and a second signal, our SIGTERM, means "at once": steps would be lost."""
    out, deadline = tmp_path / "sweep", time.monotonic() + 150
    first = started(shapes, out, "--workers", "2", epochs=epochs, start_new_session=True)
    begun = [out / "trials" / f"00{place}" / layout.METRICS for place in (1, 2)]
    while not all(file.is_file() for file in begun):
        assert first.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    children = Path(f"/proc/{first.pid}/task/{first.pid}/children").read_text().split()
    helper = next(int(child) for child in children if b"sweeping.worker" in Path(f"/proc/{child}/cmdline").read_bytes())
    assert os.getpgid(helper) != first.pid
    os.killpg(first.pid, number)
    _, said = first.communicate(timeout=100)
    assert first.returncode == {signal.SIGINT: 130, signal.SIGKILL: -9}[number], said
    while b"sweeping.worker" in _words(helper):
        assert time.monotonic() < deadline, "it works on alone"
        time.sleep(0.02)
    assert all((file.parent / layout.CHECKPOINT).is_file() for file in begun if number == signal.SIGINT)


def _words(process: int) -> bytes:
    """Return the command line of a process; empty: it ended."""
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return b""
