"""The folder of an audit: audit.json, audit.html, suggestions.csv, near_duplicates.csv, and what a person marked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from visionft.auditing.audit import Audit
from visionft.auditing.marked_pairs import NAME as MARKED
from visionft.auditing.marked_pairs import Pair, read_pairs
from visionft.auditing.marked_pairs import to_csv as pairs_to_csv
from visionft.auditing.page import page
from visionft.data.suggestions import to_csv
from visionft.errors import DataError, UsageError
from visionft.files.safe_json import read_object
from visionft.files.safe_open import UnreadableError
from visionft.runs.atomic_write import make_folder, write_json, write_text

RECORD, PAGE, SUGGESTIONS, PAIRS = "audit.json", "audit.html", "suggestions.csv", "near_duplicates.csv"
FILES = frozenset({RECORD, PAGE, SUGGESTIONS, PAIRS, MARKED})


def check_folder(folder: Path) -> None:
    """Refuse a folder that holds something else than an audit, before any work.

    Raises:
        UsageError: it is a file, or has other files.
    """
    if folder.is_dir():
        foreign = sorted({entry.name for entry in folder.iterdir() if not entry.name.endswith(".part")} - FILES)
        if foreign:
            raise UsageError(
                f"--out: {folder} holds other files ({', '.join(foreign[:3])}); name an empty or new folder"
            )
    elif folder.exists():
        raise UsageError(f"--out: {folder} is a file, not a folder; name a folder")


def remembered(folder: Path | None) -> set[Pair]:
    """Return the pairs that earlier audits in this folder were told are no duplicates."""
    return read_pairs(folder / MARKED) if folder is not None and (folder / MARKED).is_file() else set()


def write(audit: Audit, folder: Path, marked: set[Pair]) -> Audit:
    """Write the files, each whole or not at all, and return the audit with its place.

    Raises:
        RunError, DiskSpaceError: the folder cannot be written.
    """
    placed = replace(audit, out=folder)
    make_folder(folder)
    write_text(folder / SUGGESTIONS, to_csv(placed.suggestions))
    pairs = [pair for pair, _ in placed.pairs]
    write_text(folder / PAIRS, pairs_to_csv(pairs, [value for _, value in placed.pairs]))
    if marked:
        write_text(folder / MARKED, pairs_to_csv(sorted(marked)))
    write_text(folder / PAGE, page(placed))
    write_json(folder / RECORD, placed.to_json())
    return placed


def read_audit(folder: Path) -> dict[str, Any]:
    """Return the record of an audit.

    Raises:
        DataError: there is none, or it cannot be read.
    """
    try:
        record = read_object(folder / RECORD)
        findings = record["findings"]
        sound = all(isinstance(found["kind"], str) and isinstance(found["photos"], list) for found in findings)
    except (UnreadableError, KeyError, TypeError) as error:
        raise DataError(f"{folder / RECORD} cannot be read ({error}); run `visionft audit` again") from error
    if not sound or not isinstance(record.get("photos"), str):
        raise DataError(f"{folder / RECORD} is no record of an audit; run `visionft audit` again")
    return record
