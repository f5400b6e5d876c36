"""Which columns of a manifest are numbers: their values come as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def numbers_of(values: Mapping[str, str]) -> Mapping[str, Any]:
    """Return a column's values as numbers where every one of them is written as one, and so can be compared as one.

    `007` and `1e5` are no such numbers: they are article numbers more often than not.
    """
    texts = values.values()
    whole = all(_is_whole(text) for text in texts)
    if texts and (whole or all(_is_number(text) for text in texts)):
        return {path: int(text) if whole else float(text) for path, text in values.items()}
    return values


def _is_whole(text: str) -> bool:
    plain = text.removeprefix("-")
    return plain.isascii() and plain.isdigit() and len(plain) < 19 and (plain == "0" or plain[0] != "0")


def _is_number(text: str) -> bool:
    whole, point, part = text.partition(".")
    return _is_whole(whole) and (not point or (part.isascii() and part.isdigit()))
