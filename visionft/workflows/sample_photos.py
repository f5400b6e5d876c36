"""The photos that come with the package: small renderings of 90 products, in folders CLASS/PRODUCT."""

from __future__ import annotations

import os
import zipfile
from importlib.resources import files
from pathlib import Path

from visionft.errors import DataError
from visionft.files.atomic_file import atomic_file
from visionft.files.temporary import reason_of

ARCHIVE = "sample_photos.zip"
"""Made by examples/catalogue/sample.py."""


def write_sample(folder: Path) -> int:
    """Write the photos that are not there yet, each whole or not at all; return how many there are.

    Raises:
        DataError: other photos are there, or nothing can be written.
    """
    with (files("visionft.workflows") / ARCHIVE).open("rb") as packed, zipfile.ZipFile(packed) as archive:
        names = archive.namelist()
        try:
            _require_own(folder, names)
            for name in names:
                path = folder / name
                if not path.is_file():
                    path.parent.mkdir(parents=True, exist_ok=True)
                    with atomic_file(path) as partial:
                        partial.write_bytes(archive.read(name))
        except OSError as error:
            raise DataError(
                f"the sample photos cannot be written into {folder} ({reason_of(error)}); give another folder"
            ) from error
    return len(names)


def _require_own(folder: Path, names: list[str]) -> None:
    kinds = {name.partition("/")[0] for name in names}
    if os.path.lexists(folder) and (others := sorted({entry.name for entry in folder.iterdir()} - kinds)):
        raise DataError(f"{folder} holds something else ({others[0]}), so it is left as it is; give another folder")
