"""The length of embeddings, and whose they are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.searching.making import ORIGIN
from visionft.searching.origin import unit_vector


def test_an_embedding_has_length_1_or_none() -> None:
    assert np.allclose(unit_vector(np.array([3, 4], np.float32)), [0.6, 0.8])
    assert np.allclose(unit_vector(np.array([3e30, 4e30], np.float32)), [0.6, 0.8])
    assert unit_vector(np.zeros(4, np.float32)) is None
    assert unit_vector(np.array([np.nan, 1], np.float32)) is None


@pytest.mark.parametrize(("changes", "told"), [
    ({}, "the bundle /models/colours (aaaaaaaaaaaa)"),
    ({"kind": "run", "adapter": "shoes"}, "the run /models/colours (aaaaaaaaaaaa, adapter shoes)"),
])  # fmt: skip
def test_a_model_is_told_by_its_place_and_digest(changes: dict[str, str], told: str) -> None:
    assert str(replace(ORIGIN, **changes)) == told
