"""Shards as webdataset writes them: beside 000123.jpg lies 000123.cls or 000123.json, and they become a manifest.

Reference: https://github.com/webdataset/webdataset
"""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from visionft.errors import DataError
from visionft.photos.account import ENDINGS
from visionft.photos.csv_injection import spreadsheet_safe
from visionft.photos.quarantine import junk

MANIFEST = "manifest.csv"
_TEXTS = (".cls", ".txt", ".json")
_KEYS = ("label", "class", "cls", "class_name")
_LONGEST = 1 << 20


def write_manifest(folder: Path, names: Sequence[str], place: str) -> Path | None:
    """Write a manifest of shards that were unpacked into a folder; None where they hold no labels, but class folders.

    Args:
        folder: with all files of all shards.
        names: of them, relative.
        place: how people call the shards.

    Raises:
        DataError: some photos have a label beside them, and others have not; or it cannot be read.
    """
    known = set(names)
    photos = [name for name in names if "." + name.rpartition(".")[2].lower() in ENDINGS and not _is_junk(name)]
    beside = {photo: _label_file(photo, known) for photo in photos}
    if not any(beside.values()):
        return None
    without = [photo for photo, file in beside.items() if file is None]
    if without:
        raise DataError(
            f"{place} has a label beside {len(photos) - len(without):,} photos and none beside {len(without):,} "
            f"({without[0]} first): write a .cls or .json of the same name for each"
        )
    place_of_manifest = folder / MANIFEST
    with place_of_manifest.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("path", "label"))
        for photo, text in beside.items():
            assert text is not None, "those without were refused"
            rows.writerow((spreadsheet_safe(photo), spreadsheet_safe(_label(folder / text, text, place))))
    return place_of_manifest


def _is_junk(name: str) -> bool:
    """Tell whether a file is what systems leave beside photos, such as __MACOSX/._1.jpg."""
    *folders, last = name.split("/")
    return junk(last, folder=False) is not None or any(junk(folder, folder=True) for folder in folders)


def _label_file(photo: str, known: set[str]) -> str | None:
    """Return the file with the label: of the same name up to its first dot, as webdataset has it."""
    folder, slash, name = photo.rpartition("/")
    stem = f"{folder}{slash}{name.partition('.')[0]}"
    return next((stem + ending for ending in _TEXTS if stem + ending in known), None)


def _label(file: Path, name: str, place: str) -> str:
    with file.open("rb") as opened:
        data = opened.read(_LONGEST)
    try:
        text = data.decode("utf-8").strip()
        if name.endswith(".json"):
            found = json.loads(text)
            text = next((_text(found[key]) for key in _KEYS if isinstance(found, dict) and key in found), "")
    except (ValueError, RecursionError) as fault:
        raise DataError(f"{place}: the label {name} cannot be read: write it as UTF-8 text or JSON") from fault
    if not text:
        raise DataError(
            f"{place}: {name} holds no label: write it, in JSON below one of {', '.join(_KEYS)}, as text or number"
        )
    return text


def _text(value: Any) -> str:
    """Return a label of JSON as text; "" for what names no class, such as null or a list."""
    return str(value).strip() if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
