"""One session over the three adapters, for the tests that ask it; and times that a test may decide."""

from __future__ import annotations

import pytest

from tests.exporting.quantization.conftest import times_are_known
from visionft.exporting import Exported
from visionft.serving import Session

__all__ = ["session", "times_are_known"]


@pytest.fixture(scope="module")
def session(adapted: Exported) -> Session:
    return Session(adapted.bundle, threads=1)
