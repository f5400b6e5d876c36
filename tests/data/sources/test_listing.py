"""A listing is a value: notes are added to a new one."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from visionft.data.sources.listing import COLUMNS, Listing


def test_notes_are_added_to_a_new_listing_in_their_order() -> None:
    first = Listing(Path("a"), pa.table({name: ["x"] for name in COLUMNS.names}, COLUMNS), notes=("one",), unchanged=3)
    second = first.noting("two", "three")
    assert (first.notes, second.notes) == (("one",), ("one", "two", "three"))
    assert (second.root, second.table, second.unchanged) == (first.root, first.table, 3)
    assert first.noting().notes == first.notes
