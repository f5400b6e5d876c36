from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.exporting.quantization.timing import known_times


@pytest.fixture
def times_are_known() -> Iterator[None]:
    with known_times():
        yield
