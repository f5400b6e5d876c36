"""How photos are read and augmented, as settings: bounds, and what earlier runs wrote."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from visionft.settings import AugmentSettings, DataSettings


def test_a_run_from_before_there_was_auto_is_read_as_it_was_meant() -> None:
    assert DataSettings.model_validate({"group_by": None}) == DataSettings(inside=None, group_by="auto")
    kept = DataSettings.model_validate({"group_by": None, "inside": "photos", "validation": 0.2})
    assert (str(kept.inside), kept.group_by, kept.validation) == ("photos", "auto", 0.2)
    assert DataSettings.model_validate({}).inside == "auto"


@pytest.mark.parametrize(("name", "value"), [("validation", 1.01), ("test", -0.01), ("depth", 0), ("depth", 9)])
def test_shares_and_depths_have_bounds(name: str, value: float) -> None:
    with pytest.raises(ValidationError, match=name):
        DataSettings.model_validate({name: value})


def test_crops_lie_between_16_and_2048_pixels() -> None:
    for name in ("size", "start_size"):
        for side in (16, 2048):
            assert getattr(AugmentSettings.model_validate({name: side}), name) == side
        for side in (15, 2049):
            with pytest.raises(ValidationError, match=name):
                AugmentSettings.model_validate({name: side})


def test_settings_are_frozen_and_strict() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        DataSettings().validation = 0.5  # type: ignore[misc]
    with pytest.raises(ValidationError, match="Extra inputs"):
        DataSettings.model_validate({"validatoin": 0.5})
