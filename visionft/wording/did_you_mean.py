"""Names that were probably meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """Return `; did you mean 'x'?` where a name is close in spelling or in its last level, else nothing."""
    known = list(names)
    last = [candidate for candidate in known if candidate.rsplit("/", 1)[-1] == name.rsplit("/", 1)[-1]]
    lower = {candidate.lower(): candidate for candidate in known}
    close = last or [lower[match] for match in get_close_matches(name.lower(), list(lower), n=1)]
    return f"; did you mean {close[0]!r}?" if close else ""
