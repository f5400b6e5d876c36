"""Which methods are to be compared, from a list of names."""

from __future__ import annotations

from collections.abc import Sequence

from visionft.errors import UsageError
from visionft.settings.method import METHODS
from visionft.wording.did_you_mean import closest


def compared_methods(given: str | Sequence[str] | None) -> tuple[str, ...]:
    """Return the named methods in their order, each once; none names all of them.

    Args:
        given: names, or one text of names between commas.

    Raises:
        UsageError: a name is unknown, or there is none.
    """
    if given is None:
        return tuple(METHODS)
    words = given.split(",") if isinstance(given, str) else list(given)
    names = tuple(dict.fromkeys(word.strip() for word in words if word.strip()))
    known = f"give any of {', '.join(METHODS)}, with commas between them"
    if not names:
        raise UsageError(f"--methods: no method is named; {known}")
    for name in names:
        if name not in METHODS:
            close = closest(name, METHODS)
            meant = f"did you mean {close[0]}? " if close else ""
            raise UsageError(f"--methods: {name} is not known here; {meant}{known}")
    return names
