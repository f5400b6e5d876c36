"""A process that makes trials beside the one that was called: how it ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from visionft.machine.stop_signals import Interrupted
from visionft.sweeping import worker
from visionft.sweeping.work import STORAGE


@pytest.mark.parametrize(
    ("failure", "code"), [(None, 0), (Interrupted(15, "stopped"), 143), (KeyboardInterrupt(), 130)]
)
def test_it_ends_as_what_ended_it(failure: BaseException | None, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []

    def trials(plan: Any, study: Any, told: Any, parent: int) -> None:
        seen.append((plan, study, parent))
        if failure is not None:
            raise failure

    monkeypatch.setattr(worker.sweep_plan, "read", lambda folder: f"plan of {folder}")
    monkeypatch.setattr(worker, "opened", lambda plan, storage: f"study at {storage}")
    monkeypatch.setattr(worker, "make_trials", trials)
    monkeypatch.setattr(worker, "Told", lambda *_: None)
    monkeypatch.setenv(STORAGE, "postgresql://x")
    assert worker.main(Path("s"), 77) == code
    assert seen == [("plan of s", "study at postgresql://x", 77)]


def test_other_failures_are_not_swallowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker.sweep_plan, "read", lambda folder: "plan")
    monkeypatch.setattr(worker, "opened", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        worker.main(Path("s"), 1)
