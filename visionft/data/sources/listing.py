"""What the user says is there, before a single photo was opened: paths, labels, given splits and products."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

import pyarrow as pa

from visionft.data.sources.structure.interpretation import Reading
from visionft.photos import Quarantined

COLUMNS = pa.schema([(name, pa.string()) for name in ("path", "label", "split", "group")])
"""Of a listing: `split` is null where it is to be drawn, `group` where the photo has no product."""
CHUNK = 65536
SHOWN = 5


@dataclass(frozen=True, eq=False)
class Listing:
    """Paths with labels, as given.

    Attributes:
        root: Folder that the paths are relative to.
        table: Columns `COLUMNS`, in order of `path`.
        quarantine: What was left out already, with reasons.
        notes: Sentences to be said aloud.
        unchanged: Photos that were not opened, as they are what they were at an earlier check.
        reading: How a folder was read; None for a manifest.
    """

    root: Path
    table: pa.Table
    quarantine: tuple[Quarantined, ...] = ()
    notes: tuple[str, ...] = ()
    unchanged: int = 0
    reading: Reading | None = None

    def noting(self, *notes: str) -> Listing:
        """Return the same listing with more notes."""
        return replace(self, notes=(*self.notes, *notes))


def some(names: Iterable[str], shown: int = SHOWN) -> str:
    """Name the first few: `a, b, c and 12 more`."""
    every = list(names)
    if len(every) <= shown + 1:
        return " and ".join([*([", ".join(every[:-1])] if every[1:] else []), *every[-1:]])
    return f"{', '.join(every[:shown])} and {len(every) - shown} more"


def count(n: int, noun: str, plural: str = "") -> str:
    """Say how many: `1 photo`, `2 photos`, `3 classes`."""
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """Return `; did you mean 'x'?` where a name is close in spelling or in its last level, else nothing."""
    known = list(names)
    last = [candidate for candidate in known if candidate.rsplit("/", 1)[-1] == name.rsplit("/", 1)[-1]]
    lower = {candidate.lower(): candidate for candidate in known}
    close = last or [lower[match] for match in get_close_matches(name.lower(), list(lower), n=1)]
    return f"; did you mean {close[0]!r}?" if close else ""
