"""A user's own listener, through the public `fit`: what it hears, what it may do, and what it costs: nothing."""

from __future__ import annotations

import csv
import signal
from pathlib import Path
from typing import Any

import pytest
from lightning.fabric.loggers import CSVLogger

import visionft
from visionft import Listener, LoggerListener
from visionft.errors import ProcessLostError
from visionft.machine.stop_signals import Interrupted
from visionft.runs import layout
from visionft.training import Figures, TrainState
from visionft.training.callbacks import Reason
from visionft.training.checkpoint import Checkpoint


class Heard(Listener):
    """Notes every event; stops after a step if asked."""

    def __init__(self, stop_after: int = -1) -> None:
        self.events: list[tuple[Any, ...]] = []
        self.stop_after = stop_after

    def started(self, state: TrainState) -> None:
        self.events.append(("started", state.step))

    def stepped(self, state: TrainState, photos: int) -> None:
        self.events.append(("stepped", state.step, photos))
        state.stop = state.step == self.stop_after

    def validated(self, state: TrainState, figures: Figures) -> None:
        self.events.append(("validated", state.epoch, figures.top1))

    def finished(self, state: TrainState) -> None:
        self.events.append(("finished", state.step))


class Resumable(Listener):
    """Notes what may be gone on with; after a step it sends a signal, or fails as a process that lost another does."""

    def __init__(self, at: int = -1, then: signal.Signals | ProcessLostError | None = None) -> None:
        self.events: list[tuple[Any, ...]] = []
        self.at, self.then = at, then

    def started(self, state: TrainState) -> None:
        self.events.append(("started", state.step))

    def stepped(self, state: TrainState, photos: int) -> None:
        if state.step == self.at and isinstance(self.then, ProcessLostError):
            raise self.then
        if state.step == self.at and self.then is not None:
            signal.raise_signal(self.then)

    def validated(self, state: TrainState, figures: Figures) -> None:
        self.events.append(("validated", state.step))

    def saved(self, state: TrainState, path: Path) -> None:
        assert Checkpoint.load(path).step == state.step
        self.events.append(("saved", state.step))

    def finished(self, state: TrainState) -> None:
        self.events.append(("finished", state.step))

    def stopped(self, state: TrainState, reason: Reason) -> None:
        self.events.append(("stopped", state.step, reason))


def fit(shapes: Path, out: Path, small: dict[str, Any], *listeners: Listener, **flags: Any) -> visionft.Run:
    return visionft.fit(shapes, out=out, say=lambda _: None, listeners=listeners, **{**small, "epochs": 2, **flags})


def test_it_hears_every_step_and_validation_in_their_order(shapes: Path, small: dict[str, Any], tmp_path: Path) -> None:
    heard = Heard()
    run = fit(shapes, tmp_path / "run", small, heard)
    rows = [row for row in csv.DictReader((run.path / layout.METRICS).read_text().splitlines()) if row["epoch"] != "0"]
    kinds = [event[0] for event in heard.events]
    steps = int(rows[-1]["step"])
    assert kinds[0] == "started"
    assert kinds[-1] == "finished"
    assert kinds.count("stepped") == steps == heard.events[-1][1]
    assert [event[1:] for event in heard.events if event[0] == "validated"] == [
        (int(row["epoch"]), pytest.approx(float(row["val_top1"]))) for row in rows
    ]


def test_a_run_that_is_listened_to_is_the_run_that_is_not(shapes: Path, small: dict[str, Any], tmp_path: Path) -> None:
    alone, listened = fit(shapes, tmp_path / "a", small), fit(shapes, tmp_path / "b", small, Heard())
    assert (alone.path / layout.WEIGHTS).read_bytes() == (listened.path / layout.WEIGHTS).read_bytes()


def test_a_listener_that_stops_ends_the_run_with_what_was_best(
    shapes: Path, small: dict[str, Any], tmp_path: Path
) -> None:
    heard = Heard(stop_after=2)
    run = fit(shapes, tmp_path / "run", small, heard)
    assert heard.events[-1] == ("finished", 2)
    assert (run.path / layout.RESULT).is_file()


def test_each_checkpoint_is_told_after_the_event_that_it_was_written_in(
    shapes: Path, small: dict[str, Any], tmp_path: Path
) -> None:
    heard = Resumable()
    fit(shapes, tmp_path / "run", small, heard)
    last = heard.events[-1][1]
    first, half = ("started", 0), last // 2
    epochs = [("validated", half), ("saved", half), ("validated", last), ("saved", last)]
    assert heard.events == [first, ("saved", 0), *epochs, ("finished", last)]


def test_an_interruption_is_told_last_and_with_its_reason(shapes: Path, small: dict[str, Any], tmp_path: Path) -> None:
    heard = Resumable(2, signal.SIGTERM)
    with pytest.raises(Interrupted) as caught:
        fit(shapes, tmp_path / "run", small, heard)
    assert heard.events[-3:] == [("finished", 3), ("saved", 3), ("stopped", 3, caught.value)]  # seen a step later
    assert (caught.value.signal, caught.value.exit_code) == (signal.SIGTERM, 143)
    again = Resumable()
    fit(shapes, tmp_path / "run", small, again)
    assert again.events[0] == ("started", 3)
    assert again.events[-1][0] == "finished"


def test_a_lost_process_is_told_with_what_was_saved(shapes: Path, small: dict[str, Any], tmp_path: Path) -> None:
    lost = ProcessLostError("another of the 2 processes has ended")
    heard = Resumable(2, lost)
    with pytest.raises(ProcessLostError):
        fit(shapes, tmp_path / "run", small, heard, **{"optim.norm_statistics": "frozen"})
    assert heard.events[-2:] == [("saved", 2), ("stopped", 2, lost)]


def test_a_logger_of_lightnings_gets_the_rates_and_the_figures(
    shapes: Path, small: dict[str, Any], tmp_path: Path
) -> None:
    logger = CSVLogger(tmp_path / "logs", flush_logs_every_n_steps=1)
    fit(shapes, tmp_path / "run", small, LoggerListener(logger, every=1))
    rows = list(csv.DictReader(Path(logger.log_dir, "metrics.csv").read_text().splitlines()))
    assert len([row for row in rows if row["val_top1"]]) == 2
    assert all(float(row["lr"]) > 0 for row in rows if row["lr"])
    with pytest.raises(ValueError, match="every 0 steps is no interval; give a whole number from 1 on"):
        LoggerListener(logger, every=0)
