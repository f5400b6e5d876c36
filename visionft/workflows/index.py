"""An index of a catalogue, for visual search."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from visionft.errors import UsageError
from visionft.workflows.embedders import embedder_of
from visionft.workflows.remote_photos import with_local_photos
from visionft.workflows.run_or_bundle import path_of, place_of

if TYPE_CHECKING:
    from visionft.data.catalogue import Catalogue
    from visionft.runs import Run
    from visionft.searching import Indexed
    from visionft.searching.stored_vectors import Kind
    from visionft.searching.update import Listed

Bar = Callable[[str], AbstractContextManager[Callable[[int, int], None]]]


def index(
    run_or_bundle: Run | str | Path,
    photos: str | Path,
    /,
    *,
    out: str | Path = "auto",
    adapter: str | None = None,
    vectors: Kind | None = None,
    bar: Bar | None = None,
    **flags: Any,
) -> Indexed:
    """Make an index of a catalogue, or bring it up to date: added, changed and removed photos are found by digest.

    The index holds the embedding of every photo with its path, label, split, group and the manifest's other columns. A
    pass that is killed loses a batch at most, and the same call goes on. Others may search while it is written.

    Args:
        run_or_bundle: what makes the embeddings: a finished run, or the folder of a run or of a bundle.
        photos: a folder of class folders or of photos alone, or a CSV/Parquet manifest, which need not have labels.
        out: the folder of the index; auto: indexes/PHOTOS.
        adapter: the one that answers, in a bundle with adapters.
        vectors: how they are kept: `float32`, `float16`, `int8`, or `binary`, which is int8 and finds candidates by a
            bit a number; none: as the index has them, a new one in float32.
        bar: shows how far the work is: called with a title, it gives a context whose value takes (done, total).
        flags: how the photos are read, as for `fit` (`data={"depth": 1}` or `**{"data.depth": 1}`).

    Returns:
        What was done, with the threshold below which a photo is not in the catalogue, and its rates.

    Raises:
        DataError: the photos can be read in several ways, or in none.
        SearchIndexError: the index was made with another model, is in use, or damaged.
        UsageError: `out` holds other files, there is no such adapter, or a value is out of range.
    """
    path = path_of(run_or_bundle)
    from visionft.data.catalogue import read_catalogue
    from visionft.searching.make_index import make_index
    from visionft.searching.stored_vectors import KINDS
    from visionft.settings import build
    from visionft.settings.index import require_reading

    require_reading(flags)
    if vectors not in (None, *KINDS):
        raise UsageError(f"--vectors: {vectors} is not known here; give {', '.join(KINDS[:-1])} or {KINDS[-1]}")
    settings = with_local_photos(build(photos, None, **flags))
    stem = settings.photos.absolute().stem
    folder = Path("indexes") / stem if out == "auto" else place_of(out, "--out") or Path()
    catalogue = read_catalogue(settings.photos, settings.data)
    listed, notes = _listed(catalogue, settings.data.max_pixels)
    with embedder_of(path, adapter) as embedder:
        made = make_index(folder, listed, embedder, bar or (lambda _: nullcontext(lambda *_: None)), notes, vectors)
    early = tuple((item.path, item.reason) for item in catalogue.quarantine)
    return replace(made, left_out=(*early, *made.left_out))


def _listed(catalogue: Catalogue, max_pixels: int) -> tuple[Listed, tuple[str, ...]]:
    from visionft.searching.store import GIVEN, OF_A_HIT, RESERVED
    from visionft.searching.update import Listed

    taken = {name: f"the index's own {name}" for name in (*GIVEN, *RESERVED)}
    taken |= {name: f"a hit's own {name}" for name in OF_A_HIT}
    columns, notes = {}, list(catalogue.listing.notes)
    for name, read in catalogue.columns.items():
        if name.lower() in taken:
            notes.append(f"the column {name!r} is left out, as it has the name of {taken[name.lower()]}")
            continue
        taken[name.lower()] = f"another, {name!r}"
        columns[name] = partial(_numbered, read)
    listing = catalogue.listing
    return Listed(listing.root, listing.table.num_rows, catalogue.rows, columns, max_pixels), tuple(notes)


def _numbered(read: Callable[[], Mapping[str, str]]) -> Mapping[str, Any]:
    from visionft.searching.column_types import numbers_of

    return numbers_of(read())
