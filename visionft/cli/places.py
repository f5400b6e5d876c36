"""Looking at places before the heavy imports: a path that is none, or is mistyped, is answered at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_origin

from cyclopts import Parameter, Token

from visionft.errors import DataError, RunError, UsageError
from visionft.files.places import unreachable


def _converted(kind: Any, tokens: Sequence[Token]) -> Any:
    for token in tokens:
        if wrong := unreachable(token.value):
            raise UsageError(wrong)
    if get_origin(kind) is list:
        return [token.value for token in tokens]
    return kind(tokens[0].value)


PLACE = Parameter(converter=_converted)
"""The one door for paths on the command line: what can be none is told at once. Every parameter that is a path has it.

The settings of fit pass through the door of their tree instead (`visionft.settings.tree.Place`).
"""


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
