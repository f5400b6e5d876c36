"""Whose an index is, who may write it, and what it says of itself."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.searching.making import ORIGIN, Colours, catalogue, contents_of, indexed, listed, photo
from visionft.errors import SearchIndexError, UsageError
from visionft.searching.open_store import opened
from visionft.searching.store import PHOTOS


def test_what_is_said_of_a_pass(tmp_path: Path) -> None:
    made = indexed(tmp_path / "index", listed(catalogue(tmp_path / "photos")))
    assert made.threshold is not None
    assert (made.threshold.false_accept, made.threshold.false_reject) == (0, 0)
    assert str(made).splitlines() == [
        f"index {tmp_path}/index: 20 photos; 20 added, 0 changed, 0 removed, 0 unchanged",
        f"a photo is not in the catalogue below {made.threshold.value:.4f}: of indexed photos whose product was taken "
        "out 0.0% are found all the same (20 asked), of those whose product is there 0.0% are refused (20 asked)",
        f"an exact search takes {made.exact_ms:.1f} ms here, so every search is exact",
        f"{made.megabytes:.1f} MB on disk, vectors as float32",
    ]
    assert json.loads(json.dumps(made.to_json()))["added"] == 20
    assert "<pre>index " in made._repr_html_()


def test_another_model_is_refused_by_name_and_changes_nothing(tmp_path: Path) -> None:
    root = catalogue(tmp_path / "photos")
    indexed(tmp_path / "index", listed(root))
    photo(root / "new.png", (1, 2, 3))
    other = replace(ORIGIN, digest="b" * 64, place="/models/others")
    with pytest.raises(SearchIndexError) as caught:
        indexed(tmp_path / "index", listed(root), Colours(origin=other))
    assert str(caught.value) == (
        f"the index {tmp_path}/index was made with the bundle /models/colours (aaaaaaaaaaaa), and the bundle "
        "/models/others (bbbbbbbbbbbb) embeds photos otherwise: give the one that it was made with, or another --out "
        "for an index of its own"
    )
    with opened(tmp_path / "index") as store:
        assert (len(store), store.fact("finished")) == (20, True)


def test_the_same_model_in_another_place_goes_on(tmp_path: Path) -> None:
    root = catalogue(tmp_path / "photos")
    indexed(tmp_path / "index", listed(root))
    made = indexed(tmp_path / "index", listed(root), Colours(origin=replace(ORIGIN, place="/elsewhere")))
    assert made.unchanged == 20
    with opened(tmp_path / "index") as store:
        assert store.require_origin().place == "/elsewhere"


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    root = catalogue(tmp_path / "photos")
    indexed(tmp_path / "index", listed(root))
    held = os.open(tmp_path / "index", os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    with pytest.raises(SearchIndexError, match="is being written by another process; wait for it, or choose another"):
        indexed(tmp_path / "index", listed(root))
    os.close(held)
    assert indexed(tmp_path / "index", listed(root)).unchanged == 20


def test_places_that_are_no_index_are_refused(tmp_path: Path) -> None:
    root = catalogue(tmp_path / "photos", classes=1, each=1)
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="holds other files; give an index, or a folder that is empty or new"):
        indexed(root, listed(root))
    with pytest.raises(UsageError, match="holds other files"):
        indexed(tmp_path / "file", listed(root))
    with pytest.raises(UsageError, match="cannot be written"):
        indexed(tmp_path / "file" / "below", listed(root))
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / PHOTOS).write_bytes(b"nothing of SQLite's" * 1000)
    with pytest.raises(SearchIndexError, match=r"cannot be used \(file is not a database\); .* make it again"):
        indexed(tmp_path / "bad", listed(root))


def test_a_reader_sees_whole_batches_while_a_writer_is_at_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from visionft.searching import update as module

    monkeypatch.setattr(module, "WRITTEN", 32)
    root, seen = catalogue(tmp_path / "photos", classes=10, each=20), list[int]()

    class Watched(Colours):
        def embed(self, inputs: Sequence[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
            if self.asked:
                with opened(tmp_path / "index") as store:
                    assert store.connection.execute("SELECT count(*) FROM vectors").fetchone()[0] == len(store)
                    seen.append(len(store))
            return super().embed(inputs)

    indexed(tmp_path / "index", listed(root), Watched())
    assert seen == sorted(seen)
    assert 0 < seen[-1] < 200
    with opened(tmp_path / "index") as store:
        assert len(contents_of(store)) == 200
