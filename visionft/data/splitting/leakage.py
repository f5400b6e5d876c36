"""What is the same on both sides, or has two names: said aloud, never changed."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from visionft.data.splitting.draw import leading_bits
from visionft.photos import printable
from visionft.wording.lists import count, some

SHOWN = 2


def leak_notes(table: pa.Table) -> list[str]:
    """Return a note each for bytes and for products that lie in several splits, and for bytes with several labels.

    Args:
        table: Columns path, label, split, group and digest, every split filled in.
    """
    copies = _copies(table)
    return [
        *_split_note(copies, "digest", "byte-for-byte duplicate"),
        *_split_note(table.filter(pc.is_valid(table["group"])), "group", "product"),
        *_label_note(copies),
    ]


def copies_line(table: pa.Table) -> str | None:
    """Say in a line how many photos are byte-for-byte copies of others, and where; None: there is none."""
    copies = _copies(table)
    copies = copies.filter(pc.is_in(copies["digest"], value_set=_repeated(copies)))
    if not copies.num_rows:
        return None
    originals = len(copies["digest"].unique())
    several = [
        f"{count(number, 'picture')} {where}"
        for column, where in (("split", "on several sides"), ("label", "under several classes"))
        if (number := len(_with_several(copies, "digest", column)))
    ]
    told = f"; {some(several)}" if several else ""
    return (
        f"{count(copies.num_rows - originals, 'exact copy', 'exact copies')} of {count(originals, 'photo')}{told}: "
        "visionft audit shows them, and what is alike but not the same"
    )


def _repeated(table: pa.Table) -> pa.ChunkedArray:
    seen = table.group_by("digest").aggregate([([], "count_all")])
    return seen.filter(pc.greater(seen["count_all"], 1))["digest"]


def _copies(table: pa.Table) -> pa.Table:
    """Return the photos that may have a copy: nearly always few, so that few are compared in full."""
    _, place, counts = np.unique(leading_bits(table["digest"]), return_inverse=True, return_counts=True)
    return table.filter(pa.array(counts[place] > 1))


def _split_note(table: pa.Table, column: str, noun: str) -> list[str]:
    torn = _with_several(table, column, "split")
    if not len(torn):
        return []
    held = table.filter(pc.is_in(table[column], value_set=torn))
    outside = int(pc.sum(pc.not_equal(held["split"], "train")).as_py())
    return [
        f"{count(len(torn), noun)} {'lies' if len(torn) == 1 else 'lie'} in several of the given splits "
        f"({_examples(held, column)}): figures on the {count(outside, 'photo')} outside train flatter the model"
    ]


def _label_note(table: pa.Table) -> list[str]:
    torn = _with_several(table, "digest", "label")
    if not len(torn):
        return []
    held = table.filter(pc.is_in(table["digest"], value_set=torn))
    what = "photo has" if len(torn) == 1 else "photos have"
    return [
        f"{len(torn):,} {what} byte-for-byte copies under another label ({_examples(held, 'digest')}): "
        "one of the labels is wrong"
    ]


def _with_several(table: pa.Table, column: str, other: str) -> pa.ChunkedArray:
    """Return the values of `column` that come with more than one value of `other`."""
    seen = table.group_by(column).aggregate([(other, "count_distinct")])
    return seen.filter(pc.greater(seen[f"{other}_count_distinct"], 1))[column]


def _examples(held: pa.Table, column: str) -> str:
    """Show the first few pairs: `train/a.jpg = test/b.jpg`."""
    held = held.sort_by([(column, "ascending"), ("path", "ascending")]).slice(0, 64).select([column, "path"])
    together: dict[str, list[str]] = {}
    for row in held.to_pylist():
        together.setdefault(row[column], []).append(printable(row["path"]))
    pairs = [" = ".join((paths[0], paths[-1])) for paths in together.values() if len(paths) > 1]
    return some(pairs[:SHOWN])
