"""One pass over a catalogue: the index is opened, brought up to it, and given its threshold and its neighbours."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from pathlib import Path

from visionft.errors import SearchIndexError
from visionft.files.atomic_file import locked_folder
from visionft.searching import neighbours
from visionft.searching.open_store import open_to_write, told
from visionft.searching.origin import Embedder
from visionft.searching.search_results import Indexed
from visionft.searching.store import Store
from visionft.searching.threshold import QUERIES, Threshold, fit_threshold
from visionft.searching.update import Changes, Listed, update
from visionft.searching.vote import fit_vote

Bar = Callable[[str], AbstractContextManager[Callable[[int, int], None]]]
"""A bar with a title, whose value is called with (done, total)."""


def make_index(folder: Path, listed: Listed, embedder: Embedder, bar: Bar, notes: tuple[str, ...] = ()) -> Indexed:
    """Bring the index in a folder up to a catalogue, or make it; a pass that was cut short goes on.

    Args:
        folder: of the index; it is made where there is none.
        listed: the catalogue.
        embedder: the model.
        bar: shows how far the work is.
        notes: of the catalogue, passed on.

    Raises:
        UsageError: the folder holds other files, or cannot be written.
        SearchIndexError: the index is damaged, in use, or was made with another model.
    """
    began = time.monotonic()
    with closing(open_to_write(folder)) as store, _alone(folder), _said(folder):
        if store.origin is not None:
            store.origin.require(embedder.origin, folder)
        finished = store.fact("finished")
        with store.transaction():
            store.keep("origin", embedder.origin.to_json())
            store.keep("way", embedder.origin.way_from(folder))
            store.keep("root", str(listed.root.absolute()))
            store.keep("finished", False)
        store.add_columns(list(listed.columns))
        with bar("looking at photos") as advance:
            changes = update(store, listed, embedder, advance)
        if changes.moved_vectors or changes.described or not finished or neighbours.lost(store):
            _complete(store, bar)
        with store.transaction():
            store.keep("finished", True)
        return _summary(store, changes, embedder, notes, time.monotonic() - began)


def _complete(store: Store, bar: Bar) -> None:
    """Fit the threshold and the vote, and see whether a search needs approximate neighbours."""
    fitted = fit_threshold(store.sample(QUERIES), store.chunks)
    vote = fit_vote(store)
    seconds = neighbours.exact_seconds(store, len(store))
    with store.transaction():
        store.keep("threshold", fitted.to_json() if isinstance(fitted, Threshold) else None)
        store.keep("unfitted", None if isinstance(fitted, Threshold) else fitted)
        store.keep("exact_ms", seconds * 1000)
        store.keep("vote", vote.to_json())
    if seconds <= neighbours.SLOW:
        neighbours.drop(store)
        return
    with bar("linking neighbours") as advance:
        neighbours.build(store, advance)


def _summary(store: Store, changes: Changes, embedder: Embedder, notes: tuple[str, ...], seconds: float) -> Indexed:
    return Indexed(
        path=store.folder,
        model=str(embedder.origin),
        photos=len(store),
        added=changes.added,
        changed=changes.changed,
        described=changes.described,
        unchanged=changes.unchanged,
        removed=changes.removed,
        left_out=tuple((item.path, item.reason) for item in changes.left_out),
        columns=store.columns,
        threshold=store.threshold,
        unfitted=store.fact("unfitted"),
        exact_ms=round(store.fact("exact_ms"), 3),
        approximate=store.fact("neighbours") is not None,
        notes=notes,
        seconds=round(seconds, 1),
    )


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep a second writer out; where locks are not to be had, the transactions still keep rows whole."""
    with ExitStack() as stack:
        try:
            stack.enter_context(locked_folder(folder))
        except BlockingIOError:
            raise SearchIndexError(
                f"the index {folder} is being written by another process; wait for it, or choose another --out"
            ) from None
        yield


@contextmanager
def _said(folder: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise told(folder, error) from error
