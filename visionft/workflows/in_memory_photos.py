"""Photos that are in no folder, put into files at the door: from there on they are a manifest like any other."""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from visionft.data import KeptTable
    from visionft.settings import DataSettings


def stored_photos(photos: Any, settings: DataSettings, task: str) -> KeptTable | None:
    """Keep photos from memory in the caches; None where a folder or a manifest is named instead.

    Args:
        photos: as `visionft.data.memory_rows` takes them, or a path.
        settings: name the columns of photos and labels.
        task: what is learnt from them, which says whether a label may be a list.

    Raises:
        DataError: they cannot be used, or not be written.
    """
    if photos is None or isinstance(photos, str | PathLike):
        return None
    from visionft.data import keep_table, memory_rows
    from visionft.data.labels import labels_of
    from visionft.machine.progress import bar

    with bar("keeping photos") as advance:
        return keep_table(memory_rows(photos, settings, labels_of(task).cells), settings, advance)
