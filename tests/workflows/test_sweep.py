"""What a sweep is asked, and how it is foretold."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from visionft.errors import RunError, SettingsError
from visionft.machine.stop_signals import Interrupted
from visionft.settings import FitSettings
from visionft.workflows import sweep, sweep_plan

module: Any = import_module("visionft.workflows.sweep")  # the room's attribute of that name is the verb


def plan(over: str, **given: Any) -> Any:
    asked = {"trials": 20, "prune": "median", "keep": 3, "workers": 1, "storage": None, "out": None, **given}
    flags = asked.pop("flags", {"backbone": "test_resnet", "weights": "none"})
    return sweep_plan("photos/shoes", over, None, flags, say=str, **asked)


def test_a_plan_has_folder_shared_settings_and_whole_draws() -> None:
    made = plan("lr=1e-4..1e-2,seed=0..2", trials=10)
    assert made.folder == Path("runs/shoes-sweep")
    assert (made.draws, made.places, made.seeds) == (3, 9, ("0", "1", "2"))
    assert made.shared["backbone"] == "test_resnet"
    assert plan("lr=1e-4..1e-2", out="x").folder == Path("x")


def test_settings_that_only_one_of_the_varied_methods_has_are_taken() -> None:
    made = plan("method=full,lora,seed=0,1", flags={"method.rank": 4, "backbone": "test_vit", "weights": "none"})
    assert made.shared["method.rank"] == 4


@pytest.mark.parametrize(
    ("over", "given", "words"),
    [
        ("seed=0..4", {"trials": 3}, "^--trials: 3 are fewer than the 5 seeds that every draw meets; give more"),
        ("method=full,lora", {"flags": {"method": "full"}}, "^--method is given, and --over varies it; leave one out"),
        ("lr=1e-4..1e-2", {"trials": 0}, "--trials: 0 is less than 1"),
        ("lr=1e-4..1e-2", {"prune": "often"}, "--prune: often is not known here"),
        ("lr=1e-4..1e-2", {"workers": 65}, "--workers: 65 is greater than 64"),
        ("lr=1e-4..1e-2", {"flags": {"epochs": -1}}, "--epochs: -1 is less than 0"),
    ],
)
def test_what_is_wrong_is_said_before_any_work(over: str, given: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        plan(over, **given)


def test_it_is_foretold_how_many_trials_there_are_and_who_draws() -> None:
    endless = module._foretold(plan("lr=1e-4..1e-2"), False)
    assert endless.startswith("sweep runs/shoes-sweep: 20 trials over ")
    assert endless.endswith("; Optuna's TPE draws")
    finite = module._foretold(plan("method=full,head,seed=0,1"), True)
    assert finite.startswith("going on with runs/shoes-sweep: 4 trials over ")
    assert finite.endswith(", 2 draws with each of 2 seeds; different combinations, each once")


def test_an_interrupt_says_how_to_go_on_with_its_own_code(monkeypatch: pytest.MonkeyPatch) -> None:
    for failure, code in ((KeyboardInterrupt(), 130), (Interrupted(15, "x"), 143)):

        def work(*_: Any, failure: BaseException = failure) -> Any:
            raise failure

        monkeypatch.setattr("visionft.sweeping.work.work", work)
        with pytest.raises(Interrupted, match=r"^interrupted; the same command goes on with the sweep s$") as caught:
            module._worked(SimpleNamespace(folder="s"), None, 1, str)
        assert caught.value.exit_code == code


def test_a_sweep_without_a_best_run_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    row = SimpleNamespace(sentence="out of memory")
    result = SimpleNamespace(complete=True, best_trial=None, trials=[row], notes=())
    monkeypatch.setattr("visionft.sweeping.sweep_plan.begin", lambda made: False)
    monkeypatch.setattr("visionft.sweeping.sweep_page.write_page", lambda *_: None)
    monkeypatch.setattr(module, "_worked", lambda *_: (result, False))
    with pytest.raises(
        RunError, match=r"^no trial of runs/shoes-sweep can be chosen: out of memory; see runs/shoes-sweep"
    ):
        sweep(FitSettings(photos=Path("photos/shoes")), over="lr=1e-4..1e-2", say=str)
