"""Say what there is to learn from, in a few lines."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from visionft.data.listing import count, some
from visionft.data.manifest import SPLITS, Manifest

NAMED = 3
"""Photos left out that are named in a line."""


def summary(manifest: Manifest, record: Path | None = None) -> str:
    """Describe the photos: counts a split, smallest and largest class, products, quarantine, notes; one line each.

    Args:
        manifest: The photos.
        record: The file that will hold the whole quarantine; none: it is kept nowhere.
    """
    counts = manifest.counts()
    totals = {split: sum(counts[split].values()) for split in SPLITS}
    shares = ", ".join(f"{totals[split]:,} {split}" for split in SPLITS if totals[split])
    kinds = count(len(manifest.classes), "class", "classes")
    account = manifest.account
    loud = f"; {account.headline}" if account.headline else ""
    lines = [f"{count(len(manifest), 'photo')} of {kinds}: {shares}{loud}"]
    if totals["train"]:
        lines.append(_range(counts["train"]))
    products = manifest.table["group"].drop_null().unique()
    if len(products):
        lines.append(f"{count(len(products), 'product')}: the photos of one stay together where sides were drawn")
    if manifest.quarantine:
        reasons = Counter(item.reason for item in manifest.quarantine)
        tally = some(f"{n:,} {reason}" for reason, n in reasons.most_common())
        lines.append(f"{count(len(manifest.quarantine), 'entry', 'entries')} in quarantine: {tally}{_named(manifest)}")
        if record is not None:
            lines[-1] += f"; the whole list is in {record}"
    if manifest.unchanged:
        since = "is unchanged since it was" if manifest.unchanged == 1 else "are unchanged since they were"
        lines.append(f"{count(manifest.unchanged, 'photo')} {since} last checked, and not opened again")
    return "\n".join([*lines, *(f"note: {note}" for note in manifest.notes)])


def _named(manifest: Manifest) -> str:
    """Name the first photos that were asked for and are left out: they, and no hidden files, are missed."""
    missed = [item.path for item in manifest.account.left_out]
    return f" ({some(missed, NAMED)})" if missed else ""


def _range(train: dict[str, int]) -> str:
    smallest, largest = min(train, key=lambda name: train[name]), max(train, key=lambda name: train[name])
    if train[smallest] == train[largest]:
        return f"training photos a class: {train[smallest]:,}"
    return f"training photos a class: {train[smallest]:,} ({smallest}) to {train[largest]:,} ({largest})"
