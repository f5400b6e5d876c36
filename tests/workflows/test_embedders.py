"""Whose embeddings an index holds: a server opens that of its own bundle alone."""

from __future__ import annotations

from pathlib import Path

import pytest

import visionft as vft
from tests.bundle.making import make_bundle
from tests.searching.making import catalogue
from visionft.bundle import Bundle
from visionft.errors import BundleError, SearchIndexError
from visionft.workflows.embedders import bundle_origin, embedder_of, live_index


@pytest.fixture
def place(tmp_path: Path) -> Path:
    make_bundle(tmp_path / "bundle")
    make_bundle(tmp_path / "other", slow=3)  # another graph
    catalogue(tmp_path / "photos")
    vft.index(tmp_path / "bundle", tmp_path / "photos", out=tmp_path / "index")
    return tmp_path


def test_an_index_is_opened_for_the_bundle_that_made_it(place: Path) -> None:
    assert live_index(place / "index", place / "bundle", None, 10**6).about()["photos"] == 20
    (place / "bundle").rename(place / "moved")
    assert live_index(place / "index", place / "moved", place / "photos", 10**6).about()["photos"] == 20


def test_an_index_of_another_bundle_is_refused_by_name(place: Path) -> None:
    with pytest.raises(SearchIndexError) as told:
        live_index(place / "index", place / "other", None, 10**6)
    assert str(told.value).startswith(f"the index {place}/index was made with the bundle {place}/bundle (")
    assert f"the bundle {place}/other (" in str(told.value)


def test_what_is_missing_is_said(place: Path) -> None:
    with pytest.raises(BundleError, match="there is no bundle"):
        live_index(place / "index", place / "nowhere", None, 10**6)
    with pytest.raises(SearchIndexError, match="there is no index"):
        live_index(place / "nowhere", place / "bundle", None, 10**6)


def test_a_bundle_is_known_by_its_graph_wherever_it_lies(place: Path) -> None:
    here = bundle_origin(Bundle.open(place / "bundle"), place / "bundle", None)
    with embedder_of(place / "bundle") as embedder:
        assert embedder.origin == here
    assert here.digest != bundle_origin(Bundle.open(place / "other"), place / "other", None).digest
