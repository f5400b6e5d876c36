"""JSON within bounds: whatever the bytes hold, the answer is plain values or one reason."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from visionft.files.safe_open import RECORD_BYTES, UnreadableError, read_bytes

MOST_VALUES = 4_000_000
"""Values that a record may hold: an empty list takes 3 bytes of the file and 64 of memory."""
MOST_DIGITS = 40
"""Of a whole number; Python reads 4,300 and raises beyond, and no record holds more than 20."""
DEEPEST = 64
"""Lists and objects within each other; records of runs and bundles have less than 10."""

_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def read_object(path: Path, most: int = RECORD_BYTES, *, inside: Path | None = None) -> dict[str, Any]:
    """Read a file that holds one JSON object; UnreadableError as of `opened` and `parse_object`."""
    return parse_object(read_bytes(path, most, inside=inside))


def parse_object(content: bytes) -> dict[str, Any]:
    """Return the JSON object in UTF-8.

    Raises:
        UnreadableError: it is no JSON, no object, or beyond a bound; a key is given twice, or a letter is half of one.
    """
    if sum(map(content.count, (b",", b"[", b"{"))) > MOST_VALUES:
        raise UnreadableError(f"it holds more than {MOST_VALUES:,} values")
    try:
        found = json.loads(content.decode("utf-8"), parse_int=_whole, object_pairs_hook=_distinct)
    except RecursionError as error:
        raise UnreadableError(f"it is nested more than {DEEPEST} deep") from error
    except ValueError as error:
        raise UnreadableError("it cannot be read as JSON") from error
    if not isinstance(found, dict):
        raise UnreadableError("it holds no JSON object")
    _require_shallow(found)
    if _SURROGATE.search(content):
        _require_whole_letters(found)
    return found


def _whole(digits: str) -> int:
    if len(digits) > MOST_DIGITS:
        raise UnreadableError(f"it holds a number of {len(digits):,} digits")
    return int(digits)


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise UnreadableError("it holds a key twice")
    return found


def _require_shallow(found: Any) -> None:
    level = [found]
    for _ in range(DEEPEST):
        level = [
            inner
            for value in level
            for inner in (value.values() if isinstance(value, dict) else value)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return
    raise UnreadableError(f"it is nested more than {DEEPEST} deep")


def _require_whole_letters(found: Any) -> None:
    try:
        json.dumps(found, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise UnreadableError("it holds half of a letter (a lone surrogate)") from error
