"""Fixtures of rooms that train: a run small enough to be trained again and again."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.effective import with_defaults
from visionft.machine.stop_signals import Interrupted
from visionft.settings import FitSettings
from visionft.training import loop
from visionft.training.state import TrainState

Make = Callable[..., FitSettings]
Stopping = Callable[[int], AbstractContextManager[pytest.ExceptionInfo[Interrupted]]]


@pytest.fixture
def settings(shapes: Path, tmp_path: Path) -> Make:
    """Return a maker of settings for a run on the shapes, in seconds and without workers."""

    def make(photos: Path = shapes, **flags: Any) -> FitSettings:
        defaults: dict[str, Any] = {
            "backbone": "test_resnet", "weights": "none", "out": tmp_path / "run", "epochs": 2, "preprocess.size": 32,
            "augment.size": 32, "optim.batch_size": 8, "optim.micro_batch": 8, "hardware.workers": 0,
            "hardware.precision": "fp32", "hardware.threads": 1, "hardware.device": "cpu",
        }  # fmt: skip
        return with_defaults(photos, defaults, **flags)

    return make


@pytest.fixture
def stopping_at(monkeypatch: pytest.MonkeyPatch) -> Stopping:
    """Return a maker of blocks in which training gets ^C after a step, and has to leave by it."""

    @contextmanager
    def stopping(step: int) -> Iterator[pytest.ExceptionInfo[Interrupted]]:
        original = loop.optimizer_step

        def interrupted(state: TrainState, *words: Any) -> None:
            original(state, *words)
            if state.step == step:
                signal.raise_signal(signal.SIGINT)

        with monkeypatch.context() as patch:
            patch.setattr(loop, "optimizer_step", interrupted)
            with pytest.raises(Interrupted) as caught:
                yield caught

    return stopping
