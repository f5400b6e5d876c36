"""A request that is answered with a sentence instead of a result."""

from __future__ import annotations

from collections.abc import Mapping


class RefusalError(Exception):
    """Ends a request: an HTTP status, and one sentence that says what is wrong, what was given and what to do."""

    def __init__(
        self, status: int, sentence: str, headers: Mapping[str, str] | None = None, more: Mapping[str, object] = {}
    ) -> None:
        """Hold the answer.

        Args:
            status: from 400 to 599.
            sentence: for the caller.
            headers: of the answer.
            more: further keys of the answer beside `error`.
        """
        self.status, self.sentence, self.headers, self.more = status, sentence, dict(headers or {}), dict(more)
        super().__init__(sentence)


def shortened(text: object, length: int = 80) -> str:
    """Return what a caller gave, printable and short enough to stand in a sentence."""
    given = "".join(sign if sign.isprintable() else "?" for sign in str(text)[: length + 1])
    return given if len(given) <= length else given[: length - 1] + "…"
