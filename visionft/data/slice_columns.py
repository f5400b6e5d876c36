"""Further columns of a manifest, by the paths of its photos: what figures are broken down by."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from visionft.data.sources.manifest_table import column_names, column_rows, column_values
from visionft.errors import UsageError
from visionft.files.manifest_names import is_manifest
from visionft.settings import DataSettings
from visionft.wording.did_you_mean import did_you_mean
from visionft.wording.lists import some

Values = dict[str, str]
"""By the photo's path, as a `Manifest` has it; photos without a value are not there."""


def product_rows(photos: Path, column: str, settings: DataSettings, flag: str) -> list[tuple[str, str | None]]:
    """Return path and product of each photo of a manifest, which needs no labels; errors as of `slice_columns`."""
    _require(photos, [column], settings, flag)
    return column_rows(photos, settings, column)


def slice_columns(
    photos: Path, names: Sequence[str], settings: DataSettings, flag: str = "--slice"
) -> dict[str, Values]:
    """Read columns of a manifest.

    Args:
        photos: where they were read from: a manifest, or a folder, which has no columns.
        names: of the columns, in any order, each once.
        settings: how the manifest is read.
        flag: by which they were named, for errors.

    Raises:
        UsageError: there is no such manifest or column.
        DataError: the manifest cannot be read.
    """
    _require(photos, names, settings, flag)
    return {name: column_values(photos, settings, name) for name in names}


def _require(photos: Path, names: Sequence[str], settings: DataSettings, flag: str) -> None:
    if not is_manifest(photos):
        raise UsageError(
            f"{flag}: {photos} is a folder, which has no columns such as {some(names)}; give photos by a CSV or "
            "Parquet manifest that has them"
        )
    if not photos.is_file():
        raise UsageError(
            f"{flag}: the manifest {photos} that named the photos is gone; bring it back, or name another with --data"
        )
    known = column_names(photos, settings)
    for name in names:
        if name not in known:
            raise UsageError(
                f"{flag}: {photos} has no column {name!r}{did_you_mean(name, known)}; give one of {some(known)}"
            )
