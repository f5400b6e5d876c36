"""What a process leaves that was killed at an awkward moment does not change the run."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from visionft.errors import RunBusyError
from visionft.runs import Run, layout, lock
from visionft.settings import build
from visionft.training import train

Fit = Callable[..., Run]


@pytest.fixture
def fit(shapes: Path, small: dict[str, Any]) -> Fit:
    def call(out: Path, **flags: Any) -> Run:
        return train(build(shapes, None, **{**small, **flags}, out=out), lambda _: None)

    return call


def weights(run: Run) -> bytes:
    return (run.path / layout.WEIGHTS).read_bytes()


def power_cut(*_: Any) -> Any:
    raise SystemError("power cut")


def test_records_without_settings_are_written_again(fit: Fit, trained: Path, tmp_path: Path) -> None:
    for name, content in ((layout.SPLITS, '"path","label"\n"disc/0'), (layout.CHOICES, "{"), (".x.part", "y")):
        (tmp_path / name).write_text(content)
    assert weights(fit(tmp_path)) == weights(Run.open(trained))
    assert not (tmp_path / ".x.part").exists()


def test_a_run_that_stopped_early_does_not_go_on_after_a_kill(
    fit: Fit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flags = {"epochs": 30, "optim.patience": 1, "optim.lr": 0.5}
    whole = fit(tmp_path / "whole", **flags)
    with monkeypatch.context() as patch:
        patch.setattr(sys.modules["visionft.finishing.final_metrics"], "finish", power_cut)
        with pytest.raises(SystemError):
            fit(tmp_path / "killed", **flags)
    killed = fit(tmp_path / "killed", **flags)
    assert weights(killed) == weights(whole)
    epochs = [len((run.path / layout.METRICS).read_text().splitlines()) for run in (killed, whole)]
    assert epochs[0] == epochs[1] < 30


def test_weights_that_a_finished_run_has_no_more_use_for_go_after_a_kill(
    fit: Fit, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(sys.modules["visionft.finishing.final_metrics"], "remove", power_cut)
        with pytest.raises(SystemError):
            fit(tmp_path)
    assert (tmp_path / layout.BEST).exists()
    assert weights(fit(tmp_path)) == weights(Run.open(trained))
    assert not (tmp_path / layout.BEST).exists()


def test_a_failure_while_recording_leaves_an_empty_folder_empty(
    fit: Fit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["visionft.planning.run_records"].environment, "describe", power_cut)
    with pytest.raises(SystemError):
        fit(tmp_path / "made")
    (tmp_path / "empty").mkdir()
    with pytest.raises(SystemError):
        fit(tmp_path / "empty")
    assert [entry.relative_to(tmp_path).as_posix() for entry in tmp_path.rglob("*")] == ["empty"]


def test_the_records_of_another_process_are_left_alone(fit: Fit, tmp_path: Path) -> None:
    with lock.held(tmp_path):
        (tmp_path / layout.CHOICES).write_text("being written")
        with pytest.raises(RunBusyError):
            fit(tmp_path)
        assert (tmp_path / layout.CHOICES).read_text() == "being written"
