"""Queries in the order in which they were given, each with its embedding or the reason why it has none."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import visionft as vft
from tests.bundle.making import make_bundle
from tests.searching.making import catalogue, photo
from visionft.errors import DataError, SearchIndexError
from visionft.searching.open_store import open_to_read
from visionft.searching.origin import NO_DIRECTION
from visionft.searching.store import Store
from visionft.workflows.index_queries import embedded


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("queries")
    make_bundle(root / "bundle")
    catalogue(root / "photos", classes=2, each=2)
    vft.index(root / "bundle", root / "photos", out=root / "index")
    return root


@pytest.fixture
def store(made: Path) -> Iterator[Store]:
    found = open_to_read(made / "index")
    yield found
    found.close()


def test_each_photo_is_embedded_at_length_1_in_the_order_given(store: Store, made: Path, tmp_path: Path) -> None:
    photo(tmp_path / "f" / "red.png", (200, 0, 0))
    photo(tmp_path / "f" / "blue.png", (0, 0, 100))
    (tmp_path / "broken.png").write_bytes(b"no photo")
    given = [tmp_path / "f" / "red.png", tmp_path / "broken.png", tmp_path / "f"]
    steps: list[tuple[int, int]] = []
    found = embedded(store, given, lambda done, of: steps.append((done, of)))
    assert [Path(query.name).name for query in found] == ["red.png", "broken.png", "blue.png", "red.png"]
    assert [query.named for query in found] == [True, True, False, False]
    assert isinstance(found[1].embedding, str)
    for place, colour in ((0, [1, 0, 0]), (2, [0, 0, 1]), (3, [1, 0, 0])):
        assert np.allclose(np.asarray(found[place].embedding), colour, atol=1e-3)  # the mean colour, at length 1
    assert [done for done, _ in steps] == [1, 2, 3, 4]
    assert steps[-1] == (4, 4)


def test_a_photo_without_a_direction_says_so(store: Store, tmp_path: Path) -> None:
    (query,) = embedded(store, photo(tmp_path / "black.png", (0, 0, 0)), None)
    assert query.embedding == NO_DIRECTION


def test_a_mistyped_place_is_answered_before_the_model_is_opened(store: Store, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nowhere"):
        embedded(store, tmp_path / "nowhere", None, model=tmp_path / "no model")


@pytest.mark.parametrize(
    ("nameable", "remedy"), [(True, r"say where it is now with --model BUNDLE"), (False, "put it back")]
)
def test_a_model_that_is_gone_is_one_sentence(store: Store, made: Path, nameable: bool, remedy: str) -> None:
    query: Any = made / "photos" / "c0" / "0.png"
    with pytest.raises(SearchIndexError, match=rf"was made with the bundle .*, which is not there any more; {remedy}$"):
        embedded(store, query, None, model=made / "gone", nameable=nameable)


def test_another_model_is_refused_and_the_same_may_lie_elsewhere(store: Store, made: Path, tmp_path: Path) -> None:
    query = made / "photos" / "c0" / "0.png"
    moved = shutil.copytree(made / "bundle", tmp_path / "moved")
    (here,), (there,) = embedded(store, query, None), embedded(store, query, None, model=moved)
    assert np.array_equal(here.embedding, there.embedding)
    with pytest.raises(SearchIndexError, match="embeds photos otherwise: give the one that it was made with"):
        embedded(store, query, None, model=make_bundle(tmp_path / "other", slow=1))
