"""A quick look at photos before training: how they are read, what is odd; none is opened."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from visionft.data.labels import labels_of
from visionft.data.prepare import list_photos, refuse_early, usable
from visionft.data.sources.listing import Listing
from visionft.data.sources.structure.picture import picture
from visionft.data.summary import set_aside
from visionft.data.verify_photos import find
from visionft.files.manifest_names import is_manifest
from visionft.photos import Account
from visionft.settings import DataSettings
from visionft.tasks.registry import DEFAULT
from visionft.wording.lists import count

UNSPLIT = "photos"  # the column of photos whose sides are to be drawn


@dataclass(frozen=True, eq=False)
class QuickAudit:
    """What a folder or a manifest says of itself.

    Attributes:
        photos: where it is.
        listing: what was read; the files may turn out to be no photos.
        opened: whether the photos were looked at since.
    """

    photos: Path
    listing: Listing
    opened: bool = False

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """Count the files: split -> class -> n; those whose sides are to be drawn stand under `photos`."""
        found: dict[str, dict[str, int]] = {}
        rows = self.listing.table.group_by(["split", "label"]).aggregate([([], "count_all")]).to_pylist()
        for row in sorted(rows, key=lambda row: row["label"]):
            found.setdefault(row["split"] or UNSPLIT, {})[row["label"]] = row["count_all"]
        return {split: found[split] for split in ("train", "validation", "test", UNSPLIT) if split in found}

    @property
    def _account(self) -> Account:
        aside, rows = self.listing.quarantine, self.listing.table.num_rows
        return Account.of(rows, aside, by_rows=is_manifest(self.photos))

    def require_fit(self, settings: DataSettings) -> None:
        """Refuse what fit would refuse before it opens a photo.

        Raises:
            DataError: the photos cannot be trained on.
        """
        refuse_early(self.photos, self.listing, settings)

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        reading = self.listing.reading
        return {
            "photos": str(self.photos),
            "files": self.listing.table.num_rows,
            "classes": len(self.listing.table["label"].unique()),
            "read_as": reading.sentence if reading else "a manifest",
            "settings": {name: value for name, value, _ in reading.choices} if reading else {},
            "counts": self.counts,
            "ignored": list(reading.ignored) if reading else [],
            "quarantine": [item.to_json() for item in self.listing.quarantine],
            "notes": list(self.listing.notes),
        }

    def __str__(self) -> str:
        table, reading = self.listing.table, self.listing.reading
        kinds = count(len(table["label"].unique()), "class", "classes")
        account = self._account
        loud = f"; {account.headline}" if account.headline else ""
        unopened = "" if self.opened else "; none was opened"
        lines = [f"{count(table.num_rows, 'file')} of {kinds}{unopened}{loud}"]
        lines += [f"read as: {reading.sentence}"] if reading else []
        lines += [*picture(self.counts), *set_aside(self.listing.quarantine, [it.path for it in account.left_out])]
        products = table["group"].drop_null().unique()
        lines += [count(len(products), "product")] if len(products) else []
        return "\n".join([*lines, *(f"note: {note}" for note in self.listing.notes)])


def quick_audit(photos: Path, settings: DataSettings, task: str = DEFAULT) -> QuickAudit:
    """List and read photos without opening one; whether the files of a manifest are there is looked up.

    Raises:
        DataError: they can be read in several ways, or in none, or none of a manifest's files is there.
    """
    listing = labels_of(task).fold(list_photos(photos, settings, task=task), None)
    return QuickAudit(photos, usable(photos, listing, find(listing), task) if is_manifest(photos) else listing)
