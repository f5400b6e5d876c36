"""An index takes the settings that say how photos are read, and no other."""

from __future__ import annotations

import pytest

from visionft.errors import UsageError
from visionft.settings import DataSettings
from visionft.settings.index import READING, require_reading


def test_each_setting_of_reading_exists_and_is_taken_in_both_spellings() -> None:
    assert set(READING) <= set(DataSettings.model_fields)
    require_reading({f"data.{name}": "x" for name in READING})
    require_reading({"data": dict.fromkeys(READING)})
    require_reading({})


@pytest.mark.parametrize("flags", [{"data.validation": 0.2}, {"data": {"layout": "classes", "validation": 0.2}}])
def test_another_setting_of_the_photos_is_refused_by_its_name(flags: dict[str, object]) -> None:
    with pytest.raises(UsageError, match=r"an index has no setting 'data\.validation'.*; it has data\.inside, "):
        require_reading(flags)


def test_a_slip_is_told_its_name() -> None:
    with pytest.raises(UsageError, match=r"'data\.layuot'; did you mean 'data\.layout'"):
        require_reading({"data.layuot": "classes"})
