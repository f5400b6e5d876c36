"""From queries and what is wanted of each to what was found: conditions, products, and "not in the catalogue"."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from visionft.errors import SearchIndexError, UsageError
from visionft.searching.condition import matching
from visionft.searching.look_up import Kept, Question, look_up
from visionft.searching.open_store import reader
from visionft.searching.origin import Vectors
from visionft.searching.search_results import Found, Hit, Matches
from visionft.searching.store import Store
from visionft.searching.threshold import Threshold


@dataclass(frozen=True)
class Wanted:
    """What is wanted of each query.

    Attributes:
        top: hits at most.
        where: a condition over the columns; None: every photo may be a hit.
        per_product: one hit a product.
        none_below: cosine in [-1, 1] below which a photo is not in the catalogue; auto: the index's own; None: none.
    """

    top: int = 10
    where: str | None = None
    per_product: bool = False
    none_below: float | Literal["auto"] | None = None

    def __post_init__(self) -> None:
        """Raise UsageError where a value has no meaning."""
        if self.top < 1:
            raise UsageError(f"top is {self.top}: give the number of hits for each photo, from 1 up")
        asked: Any = self.none_below
        if not (asked in (None, "auto") or (isinstance(asked, float | int) and -1 <= asked <= 1)):
            raise UsageError(f"none_below is {asked}: give a cosine from -1 to 1, or auto")


def require_answerable(store: Store, wanted: Wanted) -> None:
    """Refuse what this index has no answer to, before a query is embedded.

    Raises:
        SearchIndexError: it has no threshold for auto.
        UsageError: it has no products.
    """
    _threshold(store, wanted.none_below)
    if wanted.per_product and not store.sample(1).products:
        raise UsageError(
            f"--per-product: no photo of the index {store.folder} has a product (group) or a class; leave it out"
        )


def permitted(folder: Path, where: str | None, columns: Sequence[str]) -> NDArray[np.int64] | None:
    """Return the ids (n,) of photos that a condition is true of, in order; None where there is no condition.

    Raises:
        UsageError: it is no condition over these columns, or takes too long.
    """
    if where is None:
        return None
    with closing(reader(folder)) as apart:  # its authorizer stays with it
        return matching(apart, where, columns)


def ask(
    store: Store,
    queries: Sequence[tuple[str, Vectors | str]],
    wanted: Wanted,
    allowed: NDArray[np.int64] | None,
    kept: Kept | None = None,
) -> Found:
    """Return what is near each query.

    Args:
        store: open for reading, within one view of its rows.
        queries: what each is called, with its embedding (D,) of length 1, or the reason why it has none.
        wanted: of each.
        allowed: what `permitted` returned.
        kept: of these very rows; None: everything is read from the store.
    """
    cut, fitted = _threshold(store, wanted.none_below)
    vectors = [query for _, query in queries if not isinstance(query, str)]
    found = iter(look_up(store, vectors, Question(wanted.top, wanted.per_product, allowed), kept))
    rows = tuple(
        Matches(name, problem=query) if isinstance(query, str) else _judged(name, next(found), cut)
        for name, query in queries
    )
    return Found(store.folder, rows, cut, fitted, tuple(_notes(store)))


def _threshold(store: Store, asked: float | Literal["auto"] | None) -> tuple[float | None, Threshold | None]:
    if asked != "auto":
        return asked, None
    fitted = store.threshold
    if fitted is None:
        why = store.fact("unfitted") or "it is not finished: run the `visionft index` that made it again"
        raise SearchIndexError(
            f"the index {store.folder} has no threshold for --none-below auto ({why}); give a cosine, such as 0.5"
        )
    return fitted.value, fitted


def _judged(name: str, hits: tuple[Hit, ...], cut: float | None) -> Matches:
    best = hits[0].score if hits else None
    if cut is None:
        return Matches(name, hits, best)
    near = tuple(hit for hit in hits if hit.score >= cut)
    return Matches(name, near, best, known=bool(near))


def _notes(store: Store) -> list[str]:
    if store.fact("finished"):
        return []
    return ["the index is being written, or was interrupted: what it holds so far was searched"]
