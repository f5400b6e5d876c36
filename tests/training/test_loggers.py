"""A training told to a logger of Lightning's."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from visionft.runs.criterion import Figures
from visionft.training.loggers import LoggerListener


class Kept:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[dict[str, float], int | None]] = []
        self.status = ""

    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        self.told.append((metrics, step))

    def finalize(self, status: str) -> None:
        self.status = status


def state(step: int, task: str = "classification") -> Any:
    groups = [{"lr": 0.1}, {"lr": 0.3}, {"lr": 0.0}]
    return SimpleNamespace(
        step=step, optimizer=SimpleNamespace(param_groups=groups), settings=SimpleNamespace(task=task)
    )


def test_the_highest_rate_comes_every_so_many_steps() -> None:
    logger = Kept()
    listener = LoggerListener(logger, every=3)
    for step in range(1, 8):
        listener.stepped(state(step), 8)
    assert logger.told == [({"lr": 0.3}, 3), ({"lr": 0.3}, 6)]


@pytest.mark.parametrize(("task", "column"), [("classification", "val_top1"), ("regression", "val_mae")])
def test_a_validation_is_logged_under_the_task_s_name_for_its_score(task: str, column: str) -> None:
    logger = Kept()
    listener = LoggerListener(logger)
    listener.validated(state(10, task), Figures(0.5, 0.9))
    listener.finished(state(10, task))
    assert (logger.told, logger.status) == ([({"val_loss": 0.5, column: 0.9}, 10)], "success")


@pytest.mark.parametrize("every", [0, -1])
def test_no_steps_are_no_interval(every: int) -> None:
    with pytest.raises(ValueError, match=f"every {every} steps is no interval; give a whole number from 1 on"):
        LoggerListener(Kept(), every=every)
