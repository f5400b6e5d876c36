"""Optuna's side: distributions of dimensions, the database's URL, and processes that are gone."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.pruners import HyperbandPruner, MedianPruner, NopPruner
from optuna.trial import TrialState

from visionft.errors import RunMismatchError, UsageError
from visionft.sweeping.search_space import dimensions
from visionft.sweeping.study import (
    distributions,
    drawn_value,
    fail_lost,
    open_storage,
    open_study,
    pruner_of,
    quiet_optuna,
    require_same_photos,
    sqlite_url,
    this_process,
)
from visionft.sweeping.trial_order import PROCESS


def test_dimensions_become_distributions() -> None:
    assert distributions(dimensions("lr=1e-4..1e-2,weight-decay=0..0.5,rank=4..64,method=full,lora")) == {
        "method.name": CategoricalDistribution(("full", "lora")),
        "optim.lr": FloatDistribution(1e-4, 1e-2, log=True),
        "optim.weight_decay": FloatDistribution(0.0, 0.5),
        "method.rank": IntDistribution(4, 64),
    }


def test_draws_stay_in_their_dimension_and_lost_trials_are_seen(tmp_path: Path) -> None:
    varied = dimensions("lr=1e-4..1e-2,method=full,lora,rank=4..6")
    with quiet_optuna():
        study = open_study(open_storage(sqlite_url(tmp_path)), "one", higher=True, prune="median", epochs=3)
        for _ in range(5):
            study.enqueue_trial({})
            study.optimize(lambda trial: float([drawn_value(trial, one) for one in varied][1]), n_trials=1)
        for trial in study.trials:
            assert trial.params["method.name"] in ("full", "lora")
            assert 1e-4 <= trial.params["optim.lr"] <= 1e-2
            assert trial.params["method.rank"] in (4, 5, 6)

        ended = subprocess.Popen([sys.executable, "-c", ""])
        ended.wait()
        node, number, began = this_process().rsplit(":", 2)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that heartbeats want `optimize`, which would not leave a trial running
            lost, ours = study.ask(), study.ask()
        lost.set_user_attr(PROCESS, f"{node}:{ended.pid}:1")
        ours.set_user_attr(PROCESS, this_process())
        fail_lost(study)
        assert [study.trials[trial.number].state for trial in (lost, ours)] == [TrialState.FAIL, TrialState.RUNNING]
        assert int(number) > 0
        assert began.isdigit()

        require_same_photos(study, "abc", tmp_path)
        require_same_photos(study, "abc", tmp_path)
        with pytest.raises(
            RunMismatchError, match=r"the photos changed since the sweep .* was begun; give another --out"
        ):
            require_same_photos(study, "def", tmp_path)


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("nonsense", "--storage: the URL cannot be opened"),
        ("frobnicate://host/name", r"--storage: frobnicate://host/name cannot be opened"),
        (
            "sqlite:////nowhere/at/all.db",
            r"--storage: sqlite:////nowhere/at/all.db cannot be opened \(.*unable to open",
        ),
    ],
)
def test_a_database_that_is_none_is_one_sentence(url: str, sentence: str) -> None:
    with quiet_optuna(), pytest.raises(UsageError, match=sentence):
        open_storage(url)


def test_a_password_is_not_said() -> None:
    with quiet_optuna(), pytest.raises(UsageError) as caught:
        open_storage("nosuchdatabase://me:secret@host/name")
    assert "secret" not in str(caught.value)


def test_pruners_by_their_names() -> None:
    kinds = {"median": MedianPruner, "hyperband": HyperbandPruner, "none": NopPruner}
    for name, kind in kinds.items():
        with quiet_optuna():
            assert type(pruner_of(name, 4)) is kind
