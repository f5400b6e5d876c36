"""A user's own listener, through the public `fit`: what it hears, what it may do, and what it costs: nothing."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from lightning.fabric.loggers import CSVLogger

import visionft
from visionft import Listener, LoggerListener
from visionft.runs import layout
from visionft.training import Figures, TrainState


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
