"""What in a catalogue is near a photo, and whether it is there at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from visionft.workflows.index_queries import embedded
from visionft.workflows.run_or_bundle import path_of

if TYPE_CHECKING:
    from visionft.photos import Asked
    from visionft.searching import Found

Progress = Callable[[int, int], None]


def search(
    index: str | Path,
    photos: Asked | Iterable[Asked],
    *,
    where: str | None = None,
    per_product: bool = False,
    top: int = 10,
    none_below: float | Literal["auto"] | None = None,
    model: str | Path | None = None,
    on_progress: Progress | None = None,
) -> Found:
    """Find the photos of a catalogue that are nearest to others, by the cosine of their embeddings.

    Args:
        index: the folder that `index` wrote.
        photos: one or several queries, mixed as they come, as for `predict`.
        where: a condition over the columns of the index, as SQL has it: `colour = 'red' AND price < 20`.
        per_product: one hit a product, its nearest photo; a photo without a product (group) is one of its class.
        top: hits for each query.
        none_below: cosine in [-1, 1] below which a query is not in the catalogue; auto: the threshold that was fitted
            when the index was made.
        model: where the run or bundle is now that made the index; none: where it was, or as far from the index as then.
        on_progress: called as queries are embedded, with their number and that of all, as far as it is known.

    Returns:
        The hits of each query in its place; what cannot be read is there too, with the reason in `problem`.

    Raises:
        SearchIndexError: there is no such index, it is damaged, has no threshold, or `model` did not make it.
        UsageError: `top`, `where` or `none_below` cannot be used.
        DataError: one place alone is given, and holds no photo.
    """
    folder = path_of(index)
    from visionft.searching.ask import Wanted, ask, permitted, require_answerable
    from visionft.searching.open_store import opened

    wanted = Wanted(top, where, per_product, none_below)
    with opened(folder) as store:
        require_answerable(store, wanted)
        allowed = permitted(folder, where, store.columns)
        asked = embedded(store, photos, on_progress, model=model, nameable=True)
        queries = [(query.name, query.embedding) for query in asked]
        store.connection.execute("BEGIN")  # one view of the rows, whatever a writer does meanwhile
        return ask(store, queries, wanted, allowed)
