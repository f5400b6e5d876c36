"""A trial is left where the study says so, and where a signal came."""

from __future__ import annotations

import signal
import warnings
from pathlib import Path
from typing import Any

import optuna
import pytest

import visionft
from visionft.machine.stop_signals import Interrupted
from visionft.sweeping.trial_run import Told
from visionft.training import Listener, TrainState


class Keyboard(Listener):
    """Sends ^C in the last step of the first epoch."""

    def stepped(self, state: TrainState, photos: int) -> None:
        if state.step == state.schedule.steps_per_epoch:
            signal.raise_signal(signal.SIGINT)


@pytest.mark.slow
@pytest.mark.parametrize(("before", "raised"), [((), optuna.TrialPruned), ((Keyboard(),), Interrupted)])
def test_an_interrupt_in_an_epoch_that_would_be_pruned_is_heard(
    before: tuple[Listener, ...], raised: type[BaseException], shapes: Path, small: dict[str, Any], tmp_path: Path
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        always = optuna.pruners.ThresholdPruner(lower=2.0)
    study = optuna.create_study(direction="maximize", pruner=always)
    told = Told(study.ask(), tmp_path / "run", tmp_path, "val_top1", prunes=True)
    flags = {**small, "epochs": 3, "method": "full", "out": tmp_path / "run", "say": lambda _: None}
    with pytest.raises(raised):
        visionft.fit(shapes, listeners=[*before, told], **flags)
    assert list(study.trials[0].intermediate_values) == [1]
