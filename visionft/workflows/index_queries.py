"""Queries of an index: photos embedded by the model that made it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from visionft.errors import SearchIndexError
from visionft.workflows.embedders import embedder_of
from visionft.workflows.remote_photos import local_asked
from visionft.workflows.run_or_bundle import place_of

if TYPE_CHECKING:
    from visionft.photos import Asked
    from visionft.searching.origin import Embedder, Vectors
    from visionft.searching.store import Store

Progress = Callable[[int, int], None]


class Query(NamedTuple):
    """A photo by its name, its embedding (D,) of length 1 or why it has none, and whether it was given by itself."""

    name: str
    embedding: Vectors | str
    named: bool


def embedded(
    store: Store,
    photos: Asked | Iterable[Asked],
    on_progress: Progress | None,
    *,
    model: str | Path | None = None,
    nameable: bool = False,
) -> list[Query]:
    """Embed photos by the model that made an index.

    Args:
        store: of the index.
        photos: as for `predict`.
        on_progress: called with the photos done, and with all of them as far as they are known.
        model: where the model is now; none: where it was, or as far from the index as then.
        nameable: whether the caller can name another place, by `--model`.

    Raises:
        SearchIndexError: the model is gone, or another one is in its place.
        DataError: one place alone is given, and holds no photo.
    """
    from visionft.searching.origin import NO_DIRECTION, unit_vector
    from visionft.serving.predict_bundle import listed
    from visionft.serving.streaming import answered

    items, total = listed(
        local_asked(photos, called=True)
    )  # before the model is opened: a mistyped place is answered at once
    found: dict[int, Query] = {}
    with _model(store, model, nameable) as embedder:
        for outcome in answered(items, embedder.prepare, embedder.embed):
            vector = None if outcome.answer is None else unit_vector(outcome.answer)
            embedding = (outcome.problem or NO_DIRECTION) if vector is None else vector
            found[outcome.place] = Query(outcome.name, embedding, outcome.named)
            if on_progress is not None:
                on_progress(len(found), total or len(found))
    return [found[place] for place in range(len(found))]


@contextmanager
def _model(store: Store, given: str | Path | None, nameable: bool) -> Iterator[Embedder]:
    origin = store.require_origin()
    place = place_of(given, "--model") or origin.found_from(store.folder, store.fact("way"))
    if not place.exists():
        remedy = f"say where it is now with --model {origin.kind.upper()}" if nameable else "put it back"
        raise SearchIndexError(
            f"the index {store.folder} was made with {origin}, which is not there any more; {remedy}"
        )
    with embedder_of(place, origin.adapter) as embedder:
        origin.require(embedder.origin, store.folder)
        yield embedder
