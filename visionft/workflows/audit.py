"""What is wrong with photos, before training."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from visionft.data import Audit


def audit(photos: str | Path, /, *, quick: bool = True, **flags: Any) -> Audit:  # noqa: ARG001  # there is no other yet
    """Say how photos are read and what is odd about them; nothing is written and no photo is opened.

    Args:
        photos: a folder of class folders, or a CSV/Parquet manifest.
        quick: leave the photos closed; the only way there is yet.
        flags: settings of the data by name, as for `fit` (`data={"depth": 1}` or `**{"data.depth": 1}`).

    Raises:
        DataError: the photos can be read in several ways, or in none.
    """
    from visionft.data import audit as look
    from visionft.settings import build

    settings = build(photos, None, **flags)
    return look(settings.photos, settings.data)
