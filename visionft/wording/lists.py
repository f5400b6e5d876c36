"""Names in a row and numbers of things, as a sentence has them."""

from __future__ import annotations

from collections.abc import Iterable

SHOWN = 5


def some(names: Iterable[str], shown: int = SHOWN) -> str:
    """Name the first few: `a, b, c and 12 more`."""
    every = list(names)
    if len(every) <= shown + 1:
        return " and ".join([*([", ".join(every[:-1])] if every[1:] else []), *every[-1:]])
    return f"{', '.join(every[:shown])} and {len(every) - shown} more"


def count(n: int, noun: str, plural: str = "") -> str:
    """Say how many: `1 photo`, `2 photos`, `3 classes`."""
    return f"{n:,} {noun if n == 1 else plural or noun + 's'}"
