"""Looking whether places exist before the heavy imports: a mistyped path is answered at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from visionft.errors import DataError, RunError


def require_run(place: Path) -> None:
    """Raise RunError if there is no folder there."""
    if not place.is_dir():
        wrong = "is not a folder" if place.exists() else "does not exist"
        raise RunError(
            f"the run or bundle {place} {wrong}; give the folder that `visionft fit` or `visionft export` wrote"
        )


def require_photos(place: Path, name: str = "PHOTOS") -> None:
    """Raise DataError if there is neither a folder nor a file there; `name` is how the user gave it."""
    if not place.exists():
        raise DataError(f"{name}: {place} does not exist; give a folder of class folders, or a CSV/Parquet manifest")


def require_places(places: Sequence[str]) -> None:
    """Raise DataError for the first photo or folder that does not exist; globs are left to the search."""
    for place in places:
        if not any(sign in place for sign in "*?[") and not Path(place).exists():
            raise DataError(f"{place} does not exist; give photos, folders of photos or globs")
