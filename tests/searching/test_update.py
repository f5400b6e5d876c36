"""Passes over a catalogue: what is new, changed, moved, described anew, unreadable and gone; and passes cut short."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.searching.making import Colours, catalogue, contents_of, indexed, listed, photo
from visionft.searching import update as module
from visionft.searching.open_store import opened
from visionft.searching.search_results import Indexed


def told(made: Indexed) -> dict[str, int]:
    names = ("photos", "added", "changed", "described", "unchanged", "removed")
    return {name: getattr(made, name) for name in names if getattr(made, name)}


def test_each_row_is_its_photo_at_length_1(tmp_path: Path) -> None:
    root = catalogue(tmp_path / "photos")
    assert told(indexed(tmp_path / "index", listed(root))) == {"photos": 20, "added": 20}
    with opened(tmp_path / "index") as store:
        rows = contents_of(store)
    assert [row[0] for row in rows] == [f"c{c}/{n}.png" for c in range(4) for n in range(5)]
    assert [row[2] for row in rows] == [f"c{c}" for c in range(4) for _ in range(5)]
    assert np.allclose([np.linalg.norm(np.frombuffer(row[3], "<f4")) for row in rows], 1)


def test_what_is_as_it_was_is_not_embedded_again(tmp_path: Path) -> None:
    root = catalogue(tmp_path / "photos")
    indexed(tmp_path / "index", listed(root))
    photo(root / "c0" / "0.png", (9, 200, 9))
    photo(root / "c0" / "new.png", (9, 9, 200))
    (root / "c1" / "0.png").unlink()
    (root / "c2" / "0.png").rename(root / "c2" / "moved.png")
    model = Colours()
    made = indexed(tmp_path / "index", listed(root), model)
    assert told(made) == {"photos": 20, "added": 2, "changed": 1, "removed": 2, "unchanged": 17}
    assert model.asked == 2  # a photo under another name has its embedding already
    indexed(tmp_path / "other", listed(root))
    with opened(tmp_path / "index") as one, opened(tmp_path / "other") as other:
        assert contents_of(one) == contents_of(other)


def test_another_label_or_value_is_written_without_looking_at_the_photo(tmp_path: Path) -> None:
    root = catalogue(tmp_path / "photos", classes=2, each=2)
    indexed(tmp_path / "index", listed(root, {"price": {"c0/0.png": 3, "c0/1.png": 4}}))
    model = Colours()
    made = indexed(tmp_path / "index", listed(root, {"price": {"c0/0.png": 3, "c1/1.png": 5}}), model)
    assert (told(made), model.asked) == ({"photos": 4, "described": 2, "unchanged": 2}, 0)
    assert "2 with another label or column" in str(made)
    made = indexed(tmp_path / "index", listed(root, {"Size": {"c0/0.png": "M"}}, labelled=False))
    assert told(made) == {"photos": 4, "described": 4}
    with opened(tmp_path / "index") as store:
        assert store.columns == ("path", "label", "split", "group", "Size")
        assert store.rows([1])[1] == {"path": "c0/0.png", "label": None, "split": None, "group": None, "Size": "M"}


def test_what_cannot_be_read_is_left_out_with_its_reason_and_loses_its_row(tmp_path: Path) -> None:
    root = catalogue(tmp_path / "photos", classes=2, each=2)
    indexed(tmp_path / "index", listed(root))
    (root / "c0" / "0.png").write_bytes(b"no photo any more")
    (root / "c0" / "empty.jpg").touch()
    photo(root / "c0" / "black.png", (0, 0, 0))
    made = indexed(tmp_path / "index", listed(root))
    assert told(made) == {"photos": 3, "removed": 1, "unchanged": 3}
    assert dict(made.left_out)["c0/empty.jpg"] == "empty file"
    assert dict(made.left_out)["c0/black.png"] == module.NO_DIRECTION
    assert len(made.left_out) == 3


def test_a_photo_that_changes_while_it_is_read_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = catalogue(tmp_path / "photos", classes=1, each=1)
    seen: list[Path] = []

    def contents(path: Path) -> bytes:
        seen.append(path)
        return photo(path, (1, 2, len(seen))).read_bytes()

    monkeypatch.setattr(module, "contents", contents)
    made = indexed(tmp_path / "index", listed(root))
    assert made.left_out == (("c0/0.png", "it changed while it was read"),)


def test_a_pass_that_is_cut_short_keeps_whole_batches_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WRITTEN", 64)
    root = catalogue(tmp_path / "photos", classes=10, each=30)
    index = tmp_path / "index"
    done = []
    for stop in (130, 100):
        with pytest.raises(KeyboardInterrupt):
            indexed(index, listed(root), Colours(stop_after=stop))
        with opened(index) as store:
            done.append(len(store))
            assert store.fact("finished") is False
    assert 0 < done[0] < done[1] < 300
    model = Colours()
    made = indexed(index, listed(root), model)
    distinct = len({path.read_bytes() for path in root.rglob("*.png")})
    assert made.photos == 300
    assert made.unchanged == done[1]
    assert model.asked <= 300 - done[1]
    indexed(tmp_path / "other", listed(root))
    with opened(index) as one, opened(tmp_path / "other") as other:
        assert contents_of(one) == contents_of(other)
        assert one.connection.execute("SELECT count(*) FROM vectors").fetchone() == (300,)
    assert distinct > 1


def test_progress_ends_at_the_number_of_photos(tmp_path: Path) -> None:
    from visionft.searching.open_store import open_to_write

    root, calls = catalogue(tmp_path / "photos"), list[Any]()
    (root / "c0" / "empty.jpg").touch()
    with closing(open_to_write(tmp_path / "index")) as store:
        module.update(store, listed(root), Colours().embedder, lambda *at: calls.append(at))
    assert calls[-1] == (21, 21)
    assert calls == sorted(calls)
