"""Fixtures of rooms that train: a run small enough to be trained again and again."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.effective import with_defaults
from visionft import data
from visionft.data import EvalPhotos, Manifest, TrainLoader
from visionft.machine.stop_signals import Interrupted, Interruption
from visionft.planning.plan import Plan, make_plan
from visionft.settings import FitSettings
from visionft.training import loop
from visionft.training.epochs import make_loader, make_state
from visionft.training.frozen_cache import TrainSource
from visionft.training.state import TrainState
from visionft.training.validation_cache import ValidationSource

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


@dataclass(frozen=True)
class Begun:
    """A training before its first step."""

    plan: Plan
    manifest: Manifest
    loader: TrainLoader
    state: TrainState

    def source(self, folder: Path, say: Callable[[str], None] = str) -> TrainSource:
        return TrainSource(self.state, self.loader, folder, Interruption(), lambda *_: None, say)

    def held_out(self, source: TrainSource, folder: Path) -> ValidationSource:
        photos = EvalPhotos(self.manifest.rows("validation"), self.manifest.root, self.plan.preprocess)
        return ValidationSource(self.state, photos, source, folder, str)


@pytest.fixture
def begun(settings: Make) -> Callable[..., Begun]:
    """Return a maker of trainings on the shapes that stand before their first step."""

    def make(**flags: Any) -> Begun:
        wanted = settings(**flags)
        manifest = data.prepare(wanted.photos, wanted.data)
        plan = make_plan(wanted, manifest, str)
        loader = make_loader(plan, manifest)
        state = make_state(plan, manifest, plan.schedule(loader.steps_per_epoch), loader, str)
        state.begin(None, Path())
        return Begun(plan, manifest, loader, state)

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
