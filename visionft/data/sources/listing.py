"""What the user says is there, before a single photo was opened: paths, labels, given splits and products."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from visionft.data.sources.structure.interpretation import Reading
from visionft.photos import Quarantined

COLUMNS = pa.schema([(name, pa.string()) for name in ("path", "label", "split", "group")])
"""Of a listing: `split` is null where it is to be drawn, `group` where the photo has no product."""
CHUNK = 65536


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
