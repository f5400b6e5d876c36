"""What is tried, what is foretold of it, and what a refusal becomes."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.advising.test_recommendation import LOOK
from visionft.advising.timing import Limits
from visionft.data import Manifest
from visionft.errors import BackboneError, DataError
from visionft.settings import FitSettings, HeadMethod, LoraMethod

module: Any = import_module("visionft.advising.advise")  # the room's attribute of that name is the function
SETTINGS = FitSettings(photos=Path("p"), method=LoraMethod(rank=4), head="mlp", epochs=3)
MANIFEST = cast(
    Manifest, SimpleNamespace(rows=lambda split: range({"train": 3000, "validation": 341, "test": 5}[split]))
)


def ignore(done: int, total: int) -> None:
    pass


def test_a_method_s_own_settings_are_used_where_it_is_tried() -> None:
    assert module._with_method(SETTINGS, "lora").method == LoraMethod(rank=4)
    assert module._with_method(SETTINGS, "qlora").method.name == "qlora"
    solved = module._with_method(SETTINGS, "head", solve=True)
    assert (solved.method, solved.head, solved.epochs) == (HeadMethod(), "linear", "auto")
    assert SETTINGS.head == "mlp"


def test_the_time_is_foretold_at_its_most() -> None:
    assert module._foretold(MANIFEST, 0, Limits()) == "first one pass over 3,341 photos"
    assert module._foretold(MANIFEST, 8, Limits(20, 30.0)) == (
        "first one pass over 3,341 photos; then 8 methods for 20 steps or 30 seconds each, in a process of its own: "
        "up to about 7 minutes"
    )


def test_the_bar_of_one_method_moves_that_of_all() -> None:
    seen: list[tuple[int, int]] = []
    advance = module._part(lambda *part: seen.append(part), 2, 4, 20)
    advance(0, 6)
    advance(3, 6)
    advance(6, 6)
    assert seen == [(40, 80), (50, 80), (60, 80)]


def test_a_method_that_cannot_be_had_is_a_row_and_other_faults_are_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(error: Exception) -> Any:
        def raised(*_: Any, **__: Any) -> Any:
            raise error

        return raised

    monkeypatch.setattr(module, "in_process", failing(BackboneError("it has no MLPs; take --method full")))
    row = module._row(SETTINGS, MANIFEST, "adapter", Limits(), LOOK, ignore)
    assert (row.method, row.refusal, row.seconds) == ("adapter", "it has no MLPs; take --method full", 0.0)
    monkeypatch.setattr(module, "in_process", failing(DataError("a photo is gone")))
    with pytest.raises(DataError, match="a photo is gone"):
        module._row(SETTINGS, MANIFEST, "adapter", Limits(), LOOK, ignore)
