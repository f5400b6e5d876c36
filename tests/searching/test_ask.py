"""What is wanted of a query: values that mean something, products and thresholds that are there, hits above a cut."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.searching.making import catalogue, indexed, listed
from visionft.errors import SearchIndexError, UsageError
from visionft.searching.ask import Wanted, ask, permitted, require_answerable
from visionft.searching.look_up import Kept
from visionft.searching.open_store import open_to_read
from visionft.searching.store import Store


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    indexed(tmp_path / "index", listed(catalogue(tmp_path / "photos")))
    return tmp_path / "index"


def query(store: Store, path: str) -> Any:
    (vector,) = store.connection.execute(
        "SELECT vector FROM vectors JOIN photos ON id = photo_number WHERE path = ?", (path,)
    ).fetchone()
    return np.frombuffer(vector, "<f4")


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        ({"top": 0}, "top is 0: give the number of hits for each photo, from 1 up"),
        ({"none_below": 1.5}, "none_below is 1.5: give a cosine from -1 to 1, or auto"),
        ({"none_below": "often"}, "none_below is often: give a cosine from -1 to 1, or auto"),
    ],
)
def test_values_without_meaning_are_refused(wanted: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UsageError) as told:
        Wanted(**wanted)
    assert str(told.value) == sentence


def test_kept_rows_give_the_answers_of_the_store(folder: Path) -> None:
    with closing(open_to_read(folder)) as store:
        queries = [("q", query(store, "c1/2.png")), ("bad", "it is no photo")]
        for wanted in (
            Wanted(),
            Wanted(top=3),
            Wanted(per_product=True),
            Wanted(where="label <> 'c1'", none_below=0.9),
        ):
            allowed = permitted(folder, wanted.where, store.columns)
            read = ask(store, queries, wanted, allowed)
            assert read.rows == ask(store, queries, wanted, allowed, Kept.of(store)).rows
            assert read[1].problem == "it is no photo"
            assert len(read[0].hits) == {3: 3, 10: 4 if wanted.per_product else 10}[wanted.top] or wanted.where


def test_a_condition_leaves_those_that_it_is_true_of(folder: Path) -> None:
    with closing(open_to_read(folder)) as store:
        allowed = permitted(folder, "label = 'c3'", store.columns)
        found = ask(store, [("q", query(store, "c1/2.png"))], Wanted(top=50), allowed, Kept.of(store))
    assert [hit.label for hit in found[0].hits] == ["c3"] * 5


def test_what_an_index_has_no_answer_to_is_refused_before_photos_are_read(tmp_path: Path) -> None:
    indexed(tmp_path / "index", listed(catalogue(tmp_path / "photos"), labelled=False))
    with closing(open_to_read(tmp_path / "index")) as store:
        with pytest.raises(UsageError, match=r"^--per-product: no photo of the index .* leave it out$"):
            require_answerable(store, Wanted(per_product=True))
        with pytest.raises(SearchIndexError, match=r"has no threshold for --none-below auto"):
            require_answerable(store, Wanted(none_below="auto"))
        require_answerable(store, Wanted(none_below=0.5))
