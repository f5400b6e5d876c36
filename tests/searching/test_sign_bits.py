"""An index that keeps vectors in fewer bytes: sizes, exact scores of what is kept, recall, and what it refuses."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import visionft as vft
from tests.bundle.making import make_bundle
from tests.searching.making import catalogue
from visionft.cli import main
from visionft.errors import SearchIndexError, UsageError
from visionft.searching import neighbours
from visionft.searching.look_up import Question, look_up, neighbours_of
from visionft.searching.nearest import best_rows, cosines
from visionft.searching.open_store import keep_vectors_as, open_to_read, open_to_write
from visionft.searching.origin import Origin
from visionft.searching.sign_bits import SignBits
from visionft.searching.store import PHOTOS, SIGNS, Store
from visionft.searching.stored_vectors import Kind, encode

NUMBERS = 100  # no whole number of words
ROWS = 4000


@pytest.fixture(scope="module")
def vectors() -> NDArray[np.float32]:
    """Return vectors that share a direction, in groups, as embeddings do; the last 40 are queries."""
    random = np.random.default_rng(0)
    middles = 1.5 + random.normal(size=(200, NUMBERS))
    rows = middles[random.integers(200, size=ROWS + 40)] + 0.6 * random.normal(size=(ROWS + 40, NUMBERS))
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def store_of(place: Path, rows: NDArray[np.float32], kind: Kind) -> Store:
    store = open_to_write(place)
    keep_vectors_as(store, kind)
    with store.transaction():
        store.keep("origin", Origin("bundle", "none", "0" * 64, None, "none", NUMBERS).to_json())
        photos = ((at + 1, f"{at}.jpg", at.to_bytes(8, "big")) for at in range(len(rows)))
        store.connection.executemany("INSERT INTO photos VALUES (?, ?, ?, NULL, NULL, NULL)", photos)
        blobs = ((at + 1, encode(row, kind)) for at, row in enumerate(rows))
        store.connection.executemany("INSERT INTO vectors VALUES (?, ?)", blobs)
    return store


def recall(store: Store, rows: NDArray[np.float32]) -> float:
    found = look_up(store, list(rows[ROWS:]), Question(10))
    exact = [{f"{at}.jpg" for at in best_rows(cosines(rows[:ROWS], query), 10)} for query in rows[ROWS:]]
    return float(
        np.mean([len({hit.path for hit in hits} & best) / 10 for hits, best in zip(found, exact, strict=True)])
    )


def test_signs_are_never_read_by_the_mean_of_others(
    tmp_path: Path, vectors: NDArray[np.float32], monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(store_of(tmp_path / "index", vectors[:50], "binary")) as store:
        neighbours.build(store)
        assert neighbours_of(store) is not None
        keep = store.keep

        def killed(name: str, value: Any) -> None:
            if name == "centre":
                raise KeyboardInterrupt
            keep(name, value)

        monkeypatch.setattr(store, "keep", killed)
        with pytest.raises(KeyboardInterrupt):
            neighbours.build(store)
        assert neighbours_of(store) is None


@pytest.mark.parametrize(("kind", "least"), [("float16", 0.99), ("int8", 0.95), ("binary", 0.95)])
def test_the_ten_nearest_are_found_with_exact_scores_of_what_is_kept(
    vectors: NDArray[np.float32], tmp_path: Path, kind: Kind, least: float
) -> None:
    with closing(store_of(tmp_path / "i", vectors[:ROWS], kind)) as store:
        neighbours.build(store)
        assert isinstance(neighbours_of(store), SignBits) == (kind == "binary")
        assert recall(store, vectors) >= least
        kept = np.concatenate([part for _, part in store.vectors()])
        (hit,) = look_up(store, [vectors[-1]], Question(1))[0]
        assert hit.score == pytest.approx(float(kept[int(hit.path.partition(".")[0])] @ vectors[-1]), abs=1e-6)
        assert hit.score == pytest.approx(float((vectors[:ROWS] @ vectors[-1]).max()), abs=5e-3)


def test_signs_come_nearest_first_of_all_rows(vectors: NDArray[np.float32], tmp_path: Path) -> None:
    with closing(store_of(tmp_path / "i", vectors[:ROWS], "binary")) as store:
        neighbours.build(store)
        near = SignBits.of(store)
        assert near is not None
        centre = np.concatenate([part for _, part in store.vectors()]).mean(axis=0)
        kept = np.concatenate([part for _, part in store.vectors()])
        apart = ((kept > centre) != (vectors[-1] > centre)).sum(axis=1)
        alike = near._alike(vectors[-1], 50)
        assert set(alike) == set(np.flatnonzero(apart <= np.sort(apart)[49]))
        chosen = near.nearest(vectors[-1], 10) - 1
        along = np.where(kept > centre, 1, -1) @ (vectors[-1] - centre)
        assert len(chosen) == 100
        assert along[chosen].min() >= np.sort(along)[-100] - 1e-4
        assert len(near.nearest(vectors[-1], ROWS)) == ROWS


def test_a_damaged_file_of_signs_is_done_without(vectors: NDArray[np.float32], tmp_path: Path) -> None:
    with closing(store_of(tmp_path / "i", vectors[:200], "binary")) as store:
        neighbours.build(store)
        assert not neighbours.lost(store)
        (tmp_path / "i" / SIGNS).write_bytes(b"none")
        assert neighbours.lost(store)
        assert neighbours_of(store) is None
        assert look_up(store, [vectors[0]], Question(1))[0][0].path == "0.jpg"
        neighbours.drop(store)
        assert not (tmp_path / "i" / SIGNS).exists()


def test_the_command_tells_the_size_and_refuses_another_kind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make_bundle(tmp_path / "bundle")
    catalogue(tmp_path / "photos")
    monkeypatch.chdir(tmp_path)
    assert main(["index", "bundle", "photos", "--out", "i", "--vectors", "int8"]) == 0
    assert " MB on disk, vectors as int8" in capsys.readouterr().out
    assert vft.search("i", "photos/c1/2.png", top=1)[0].hits[0].path == "c1/2.png"
    before = (tmp_path / "i" / PHOTOS).read_bytes()
    assert main(["index", "bundle", "photos", "--out", "i", "--vectors", "float32"]) == 1
    told = (
        "visionft: the index i keeps its vectors as int8, and --vectors is float32; leave it out, or give another --out"
    )
    assert capsys.readouterr().err.startswith(told)
    assert (tmp_path / "i" / PHOTOS).read_bytes() == before
    assert vft.index("bundle", "photos", out="i").vectors == "int8"
    assert main(["index", "bundle", "photos", "--vectors", "int4"]) == 2
    given: Any = "int4"
    with pytest.raises(UsageError, match="--vectors: int4 is not known here; give float32, float16, int8 or binary"):
        vft.index("bundle", "photos", out="x", vectors=given)
    with closing(open_to_read(tmp_path / "i")) as store:
        assert store.connection.execute("PRAGMA user_version").fetchone() == (2,)


def test_an_index_of_float32_stays_as_older_versions_read_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_bundle(tmp_path / "bundle")
    catalogue(tmp_path / "photos")
    monkeypatch.chdir(tmp_path)
    assert vft.index("bundle", "photos", out="i").vectors == "float32"
    with closing(open_to_read(tmp_path / "i")) as store:
        assert store.connection.execute("PRAGMA user_version").fetchone() == (1,)
    with pytest.raises(SearchIndexError, match="keeps its vectors as float32, and --vectors is binary"):
        vft.index("bundle", "photos", out="i", vectors="binary")
