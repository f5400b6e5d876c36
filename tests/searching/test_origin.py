"""The length of embeddings, and whose they are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.searching.making import ORIGIN
from visionft.searching.origin import Origin, unit_vector


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


def test_a_model_is_found_where_it_was_or_as_far_from_the_index(tmp_path: Path) -> None:
    place = tmp_path / "a" / "model"
    place.mkdir(parents=True)
    origin = replace(ORIGIN, place=str(place))
    way = origin.way_from(tmp_path / "a" / "indexes" / "i")
    assert way == "../../model"
    assert origin.found_from(Path("elsewhere"), way) == place
    (tmp_path / "a").rename(tmp_path / "b")
    assert origin.found_from(tmp_path / "b" / "indexes" / "i", way).resolve() == tmp_path / "b" / "model"
    assert Origin.from_json(ORIGIN.to_json()) == ORIGIN
