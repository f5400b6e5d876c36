"""Times that were taken elsewhere, so that no machine decides a test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from visionft.exporting.quantization import quantize, recipe_search
from visionft.exporting.quantization.speed import Race, race_of


def timed(ratio: float) -> Callable[..., Race]:
    """Return a race that was run elsewhere."""
    return lambda *_: race_of([(ratio, 1.0)] * 15)


@contextmanager
def known_times() -> Iterator[pytest.MonkeyPatch]:
    """Let whatever is shrunken be 1.5 times as fast as it was."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (recipe_search, quantize):
            patch.setattr(module, "race", timed(1.5))
        yield patch
