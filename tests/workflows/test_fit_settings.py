"""The settings of a fit, whole or in parts, as its callers give them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from visionft.errors import SettingsError, UsageError
from visionft.settings import FitSettings, HeadMethod, OptimSettings
from visionft.workflows.fit_settings import fit_settings

WHOLE = FitSettings(photos=Path("p"), seed=3)


def test_whole_settings_are_taken_as_they_are_and_nothing_beside_them() -> None:
    assert fit_settings(WHOLE, None, {}) == WHOLE
    for config, flags in (("a.yaml", {}), (None, {"epochs": 3})):
        with pytest.raises(UsageError, match="fit was given complete settings and flags; put the flags into"):
            fit_settings(WHOLE, config, flags)


def test_what_has_no_effect_in_whole_settings_is_said_unless_a_method_gives_it_one() -> None:
    idle = WHOLE.model_copy(update={"method": HeadMethod(), "optim": OptimSettings(patience=2)})
    with pytest.raises(SettingsError, match=r"--optim\.patience: 2 has no effect"):
        fit_settings(idle, None, {})
    assert fit_settings(idle, None, {}, ("head", "full")) == idle


def test_photos_may_be_the_first_word_or_a_flag() -> None:
    assert fit_settings("p", None, {"seed": 3}) == fit_settings(None, None, {"photos": "p", "seed": 3}) == WHOLE
    with pytest.raises(SettingsError, match=r"^PHOTOS: nothing is given"):
        fit_settings(None, None, {})


def test_the_file_of_a_pipeline_is_read_into_the_settings(tmp_path: Path) -> None:
    import albumentations as A

    A.save(A.Compose([A.HorizontalFlip(p=0.5)]), tmp_path / "own.json")
    found = fit_settings("p", None, {"augment.pipeline": str(tmp_path / "own.json")}).augment.pipeline
    (tmp_path / "own.json").unlink()
    assert found is not None
    assert "HorizontalFlip" in found
    json.dumps(found)


def test_photos_from_memory_are_not_kept_where_a_setting_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("visionft.workflows.fit_settings.stored_photos", lambda *_: pytest.fail("kept"))
    with pytest.raises(SettingsError, match="--seed: -1 is less than 0"):
        fit_settings({"path": ["a.jpg"], "label": ["hat"]}, None, {"seed": -1})
