"""Copies and look-alikes of a whole catalogue, as values that show themselves."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visionft.photos.csv_injection import spreadsheet_safe
from visionft.searching.look_alikes import copies, look_alikes
from visionft.searching.look_up import hit_of
from visionft.searching.search_results import Hit
from visionft.searching.store import Store
from visionft.wording.lists import count
from visionft.wording.safe_text import printable

SHOWN = 20
"""Groups and pairs that are told on a terminal; a file has all."""
_COLUMNS = ("kind", "score", "first", "first_label", "first_group", "second", "second_label", "second_group")


@dataclass(frozen=True)
class LookAlike:
    """Two photos that are near each other and do not have the same bytes.

    Attributes:
        score: cosine of both embeddings, in [-1, 1].
        first: one of them.
        second: the other.
    """

    score: float
    first: Hit
    second: Hit

    def __str__(self) -> str:
        return f"{self.score:.3f}  {_named(self.first)}  {_named(self.second)}"


@dataclass(frozen=True)
class Duplicates:
    """What is in a catalogue more than once, or nearly.

    Attributes:
        folder: of the index.
        photos: that were looked at.
        per_product: whether look-alikes are of two products each.
        copies: groups of photos with the same bytes.
        look_alikes: the nearest first; of copies one stands for all.
        notes: sentences about the index.
    """

    folder: Path
    photos: int
    per_product: bool
    copies: tuple[tuple[Hit, ...], ...]
    look_alikes: tuple[LookAlike, ...]
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "index": str(self.folder),
            "photos": self.photos,
            "per_product": self.per_product,
            "copies": [[_row(hit) for hit in group] for group in self.copies],
            "look_alikes": [
                {"score": pair.score, "first": _row(pair.first), "second": _row(pair.second)}
                for pair in self.look_alikes
            ],
            "notes": list(self.notes),
        }

    def to_csv(self) -> str:
        """Return a table, a pair a row; of a group of copies each photo stands beside the first."""
        text = StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(_COLUMNS)
        for group in self.copies:
            writer.writerows(["copy", "1", *_cells(group[0]), *_cells(other)] for other in group[1:])
        for pair in self.look_alikes:
            writer.writerow(["look-alike", f"{pair.score:.4f}", *_cells(pair.first), *_cells(pair.second)])
        return text.getvalue()

    def __str__(self) -> str:
        lines = [f"copies  {'  '.join(map(_named, group[:4]))}{_more(len(group) - 4)}" for group in self.copies[:SHOWN]]
        lines += [_left(len(self.copies), "groups of copies")] if len(self.copies) > SHOWN else []
        lines += [str(pair) for pair in self.look_alikes[:SHOWN]]
        lines += [_left(len(self.look_alikes), "look-alikes")] if len(self.look_alikes) > SHOWN else []
        return "\n".join([*lines, self._end(), *(f"note: {note}" for note in self.notes)])

    def _end(self) -> str:
        same = sum(map(len, self.copies))
        copied = f"{count(len(self.copies), 'group')} of copies ({count(same, 'photo')})" if same else "no copies"
        return f"{count(self.photos, 'photo')} looked at: {copied}, {self._pairs()}"

    def _pairs(self) -> str:
        of = " of two products" if self.per_product else ""
        if not self.look_alikes:
            return f"no look-alikes{of}"
        ends = f"{self.look_alikes[0].score:.3f} to {self.look_alikes[-1].score:.3f}"
        return f"the {count(len(self.look_alikes), f'nearest pair{of}', f'nearest pairs{of}')} with cosines from {ends}"

    def _repr_html_(self) -> str:
        return f"<pre>{escape(str(self))}</pre>"


def find_duplicates(
    store: Store,
    top: int,
    *,
    above: float = -1.0,
    per_product: bool = False,
    allowed: NDArray[np.int64] | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> Duplicates:
    """Look for copies and for the `top` nearest look-alikes in one view of an index; see `copies`, `look_alikes`."""
    groups = copies(store, allowed)
    pairs, scores = look_alikes(store, above, per_product=per_product, allowed=allowed, on_progress=on_progress)
    pairs, scores = pairs[:top], scores[:top]
    columns = store.rows(sorted({*pairs.ravel().tolist(), *(each for group in groups for each in group)}))
    notes = () if store.fact("finished") else ("the index is being written, or was interrupted: its rows so far count",)
    return Duplicates(
        folder=store.folder,
        photos=len(store) if allowed is None else len(allowed),
        per_product=per_product,
        copies=tuple(tuple(hit_of(columns[each], 1.0) for each in group) for group in groups),
        look_alikes=tuple(
            LookAlike(score, hit_of(columns[first], score), hit_of(columns[second], score))
            for (first, second), score in zip(pairs.tolist(), scores.tolist(), strict=True)
        ),
        notes=notes,
    )


def _named(hit: Hit) -> str:
    names = ", ".join(printable(value) for value in (hit.label, hit.group) if value is not None)
    return f"{printable(hit.path)}{f' ({names})' if names else ''}"


def _row(hit: Hit) -> dict[str, Any]:
    return {name: value for name, value in hit.to_row().items() if name != "score"}


def _cells(hit: Hit) -> list[str]:
    return [spreadsheet_safe(value or "") for value in (hit.path, hit.label, hit.group)]


def _more(number: int) -> str:
    return f"  and {number:,} more" if number > 0 else ""


def _left(number: int, what: str) -> str:
    return f"... {number - SHOWN:,} more {what}: --out FILE.csv or --json has all"
