"""Losses that compare the photos of a batch are not shared among processes."""

from __future__ import annotations

from pathlib import Path

import pytest

from visionft.errors import UsageError
from visionft.planning.whole_batches import compares, require_whole_batches
from visionft.settings import FitSettings

SUPCON = FitSettings(photos=Path("p"), task="retrieval", loss="supcon")


def test_some_losses_compare_photos_and_others_do_not() -> None:
    assert compares(SUPCON)
    assert not compares(FitSettings(photos=Path("p"), task="retrieval"))
    assert not compares(FitSettings(photos=Path("p")))


def test_one_process_sees_whole_batches_and_two_do_not() -> None:
    require_whole_batches(SUPCON, 1)
    require_whole_batches(FitSettings(photos=Path("p")), 8)
    with pytest.raises(
        UsageError, match=r"the loss supcon compares the photos of a batch .* and 2 processes would each"
    ):
        require_whole_batches(SUPCON, 2)
