"""What cannot be compared is refused before anything heavy is imported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from visionft.errors import UsageError, VisionftError
from visionft.settings import FitSettings
from visionft.workflows import advise, require_advisable


@pytest.mark.parametrize(
    ("given", "steps", "words"),
    [
        ({}, 0, "^--steps: 0 is less than 1; give a whole number from 1"),
        ({"epochs": 0}, 20, "^--epochs: 0 leaves nothing to try; leave it out, or give a whole number from 1"),
        ({"from_run": "runs/a"}, 20, "^--from: runs/a has no part in advise, which starts from pretrained weights"),
        ({"distill": "runs/a"}, 20, "^--distill: runs/a has no part in advise"),
        ({"weights": "none"}, 20, "^--weights: none leaves random features, which advise nobody; give hub, or a file"),
        ({"task": "regression"}, 20, "has no part in the task regression, which answers with numbers; use fit"),
    ],
)
def test_what_cannot_be_compared_is_one_sentence(given: dict[str, Any], steps: int, words: str) -> None:
    with pytest.raises(VisionftError, match=words):
        require_advisable(FitSettings.model_validate({"photos": "p", **given}), steps)
    require_advisable(FitSettings(photos=Path("p")))


def test_the_names_of_methods_are_looked_at_first(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^--methods: lorra is not known here; did you mean lora[?]"):
        advise(tmp_path, methods="lorra")


def test_settings_methods_and_steps_reach_the_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    monkeypatch.setattr("visionft.advising.advise", lambda *given, **more: seen.append((given, more)))
    advise(tmp_path, methods=["lora", "head"], steps=7, small_files=True, say=str, seed=3)
    [((settings, names, limits), more)] = seen
    assert (settings.photos, settings.seed, names, limits.steps) == (tmp_path, 3, ("lora", "head"), 7)
    assert more == {"small_files": True, "say": str}
