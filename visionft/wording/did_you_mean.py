"""Names that were probably meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def closest(name: str, names: Iterable[str], n: int = 1, cutoff: float = 0.6) -> list[str]:
    """Return up to n of the names whose spelling is as close as `cutoff` in [0, 1] or closer, the closest first."""
    return get_close_matches(name, list(names), n=n, cutoff=cutoff)


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """Return `; did you mean 'x'?` where a name is close in spelling or in its last level, else nothing."""
    known = list(names)
    last = [candidate for candidate in known if candidate.rsplit("/", 1)[-1] == name.rsplit("/", 1)[-1]]
    lower = {candidate.lower(): candidate for candidate in known}
    close = last or [lower[match] for match in closest(name.lower(), lower)]
    return f"; did you mean {close[0]!r}?" if close else ""
