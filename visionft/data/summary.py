"""Say what there is to learn from, in a few lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from visionft.data.manifest import Manifest
from visionft.data.splits import SPLITS
from visionft.photos import Quarantined
from visionft.wording.lists import count, some
from visionft.wording.told import Told

NAMED = 3
"""Photos left out that are named in a line."""


def summary(manifest: Manifest, record: Path | None = None) -> Told:
    """Describe the photos: counts, how they were read, classes by splits, the range, products, quarantine, notes.

    Args:
        manifest: The photos.
        record: The file that will hold the whole quarantine; none: it is kept nowhere.

    Returns:
        All of it; its brief form leaves out the table and what is as always.
    """
    totals = {split: sum(counts.values()) for split, counts in manifest.counts().items()}
    shares = ", ".join(f"{totals[split]:,} {split}" for split in SPLITS if totals[split])
    kinds = manifest.labels.kinds(manifest.table)
    account = manifest.account
    loud = f"; {account.headline}" if account.headline else ""
    lines = [f"{count(len(manifest), 'photo')} of {kinds}: {shares}{loud}"]
    if manifest.reading:
        lines.append(f"read as: {manifest.reading.sentence}")
    more: list[str] = []
    pictured = manifest.labels.picture(manifest.table, manifest.classes)
    products = manifest.table["group"].drop_null().unique()
    if len(products):
        more.append(f"{count(len(products), 'product')}: the photos of one stay together where sides were drawn")
    more += set_aside(manifest.quarantine, [item.path for item in account.left_out], record)
    notes = [f"note: {note}" for note in manifest.notes]
    brief = [*lines, *(line for line in pictured if not line.startswith(" ")), *more, *notes]  # without the table
    return Told("\n".join([*lines, *pictured, *more, *_unchanged(manifest.unchanged), *notes]), "\n".join(brief))


def _unchanged(photos: int) -> list[str]:
    if not photos:
        return []
    since = "is unchanged since it was" if photos == 1 else "are unchanged since they were"
    return [f"{count(photos, 'photo')} {since} last checked, and not opened again"]


def set_aside(quarantine: Sequence[Quarantined], missed: Sequence[str] = (), record: Path | None = None) -> list[str]:
    """Say in a line how much is in quarantine and why; no line for nothing.

    Args:
        quarantine: All that was set aside.
        missed: The photos among it that were asked for: they, and no hidden files, are named.
        record: The file that holds the whole list; none: it is kept nowhere.
    """
    if not quarantine:
        return []
    reasons = Counter(item.reason for item in quarantine)
    tally = some(f"{n:,} {reason}" for reason, n in reasons.most_common())
    named = f" ({some(missed, NAMED)})" if missed else ""
    where = f"; the whole list is in {record}" if record is not None else ""
    return [f"{count(len(quarantine), 'entry', 'entries')} in quarantine: {tally}{named}{where}"]
