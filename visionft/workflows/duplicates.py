"""What a catalogue has more than once, or nearly."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from visionft.errors import UsageError
from visionft.files.temporary import reason_of
from visionft.workflows.run_or_bundle import path_of, place_of

if TYPE_CHECKING:
    from visionft.searching import Duplicates

TOP = 100
"""Pairs that look alike, unless another number is given."""


def duplicates(
    index: str | Path,
    *,
    top: int = TOP,
    above: float = -1.0,
    per_product: bool = False,
    where: str | None = None,
    out: str | Path | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> Duplicates:
    """Find copies and look-alikes among all photos of an index.

    Args:
        index: the folder that `index` wrote; neither its model nor its photos are opened.
        top: pairs that look alike, the nearest first.
        above: cosine in [-1, 1] below which two photos do not look alike, however few pairs are left.
        per_product: only look-alikes of two products, and of each two products their nearest photos.
        where: a condition over the columns of the index; only photos that it is true of count.
        out: a CSV file for all pairs; none: it is not written.
        on_progress: called as photos are compared, with their number and that of all.

    Returns:
        Groups of photos with the same bytes, and pairs of near ones, the nearest first.

    Raises:
        SearchIndexError: there is no such index, or it is damaged.
        UsageError: `top`, `above` or `where` cannot be used, no photo has a product, or `out` cannot be written.
    """
    folder, file = path_of(index), place_of(out, "--out")
    asked: Any = above
    if top < 1:
        raise UsageError(f"top is {top}: give the number of pairs, from 1 up")
    if not (isinstance(asked, float | int) and -1 <= asked <= 1):
        raise UsageError(f"above is {above}: give a cosine from -1 to 1")
    if file is not None and (file.is_dir() or not file.absolute().parent.is_dir()):
        wrong = "is a folder" if file.is_dir() else "is in no folder that there is"
        raise UsageError(f"--out: {file} {wrong}; give a CSV file")
    from visionft.searching.ask import Wanted, permitted, require_answerable
    from visionft.searching.find_duplicates import find_duplicates
    from visionft.searching.open_store import opened

    with opened(folder) as store:
        require_answerable(store, Wanted(per_product=per_product))
        allowed = permitted(folder, where, store.columns)
        store.connection.execute("BEGIN")  # one view of the rows, whatever a writer does meanwhile
        found = find_duplicates(
            store, top, above=above, per_product=per_product, allowed=allowed, on_progress=on_progress
        )
    if file is not None:
        _write(file, found.to_csv())
    return found


def _write(file: Path, text: str) -> None:
    from visionft.runs.atomic_write import write_text

    try:
        write_text(file, text)
    except OSError as error:
        raise UsageError(f"--out: {file} cannot be written ({reason_of(error)}); give another place") from error
