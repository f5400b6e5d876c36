"""One session over the three adapters, for the tests that ask it."""

from __future__ import annotations

import pytest

from visionft.exporting import Exported
from visionft.serving import Session


@pytest.fixture(scope="module")
def session(adapted: Exported) -> Session:
    return Session(adapted.bundle, threads=1)
