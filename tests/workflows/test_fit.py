"""What a fit is asked before it trains, and what it is told beside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from visionft import workflows
from visionft.errors import SettingsError, UsageError
from visionft.runs import layout
from visionft.settings import FitSettings
from visionft.workflows.fit import in_place, tracked

WANTED = FitSettings(photos=Path("p"))


def test_the_settings_of_a_run_mean_that_run_wherever_it_lies(tmp_path: Path) -> None:
    config = tmp_path / layout.SETTINGS
    assert in_place(WANTED, config, {}) == WANTED, "it is a file of settings beside nothing"
    (tmp_path / layout.CHOICES).touch()
    assert in_place(WANTED, config, {}).out == tmp_path
    assert in_place(WANTED, str(config), {}).out == tmp_path
    assert in_place(WANTED, config, {"out": "x"}) == WANTED, "another place is named"
    assert in_place(WANTED, tmp_path / "other.yaml", {}) == WANTED
    assert in_place(WANTED, None, {}) == WANTED


def test_trackers_are_made_where_some_are_named(tmp_path: Path) -> None:
    assert tracked((), WANTED, print) == []
    [one] = tracked(("csv",), WANTED.model_copy(update={"out": tmp_path / "run"}), print)
    assert type(one).__name__ == "Trackers"
    with pytest.raises(UsageError, match=r"^--log: "):
        workflows.fit("p", log="")


@pytest.mark.parametrize(
    ("given", "kind", "words"),
    [
        ({"log": "tensorbord"}, UsageError, "^--log: tensorbord is not known here"),
        ({"epochs": -1}, SettingsError, "--epochs: -1 is less than 0"),
        ({"metrics": {"own": 3}}, UsageError, "own"),
        ({"from_run": ""}, UsageError, "the path is empty"),
    ],
)
def test_wrong_calls_are_refused_before_anything_is_trained(
    given: dict[str, Any], kind: type[Exception], words: str, shapes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("visionft.training.joined", lambda _: pytest.fail("began"))
    with pytest.raises(kind, match=words):
        workflows.fit(shapes, **given)


def test_a_run_may_be_given_where_its_folder_is_asked_for(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from visionft.runs import Run

    seen: list[FitSettings] = []

    def joined(device: str) -> Any:
        raise KeyboardInterrupt(device)

    monkeypatch.setattr("visionft.training.joined", joined)
    monkeypatch.setitem(workflows.fit.__globals__, "require_installed", lambda task: None)
    original = workflows.fit.__globals__["fit_settings"]

    def noted(*given: Any, **more: Any) -> FitSettings:
        seen.append(original(*given, **more))
        return seen[-1]

    monkeypatch.setitem(workflows.fit.__globals__, "fit_settings", noted)
    with pytest.raises(KeyboardInterrupt):
        workflows.fit("p", distill=Run.open(trained), say=lambda _: None)
    assert seen[0].distill == trained
