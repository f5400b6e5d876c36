"""Names of archives and buckets as paths below a folder, or refused: none may lead out of it."""

from __future__ import annotations

import re

from visionft.errors import DataError
from visionft.wording.safe_text import printable

LONGEST = 1_024
_DRIVE = re.compile(r"[A-Za-z]:")


def safe_name(name: str, place: str) -> str:
    """Return a relative path with slashes.

    Args:
        name: as the archive or the bucket has it.
        place: which one, for the message.

    Raises:
        DataError: an absolute path, one with `..`, or one that no file system takes.
    """
    path = name.replace("\\", "/")
    parts = [part for part in path.split("/") if part not in ("", ".")]
    wrong = path.startswith("/") or _DRIVE.match(path) or ".." in parts or "\0" in path or not parts
    if wrong or len(path) > LONGEST or not all(_is_short(part) for part in parts):
        raise DataError(
            f"{place} holds {printable(name)[:80]!r}, which is no path below a folder: nothing of it is used; "
            "make it anew from the folder of photos"
        )
    return "/".join(parts)


def _is_short(part: str) -> bool:
    """Tell whether file systems take a part of a path: 255 bytes at most, and no half of a character."""
    try:
        return len(part.encode("utf-8", "surrogateescape")) <= 255
    except UnicodeEncodeError:
        return False
