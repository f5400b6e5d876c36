"""The bytes of all requests' bodies together have one bound."""

from __future__ import annotations

import threading

from visionft.serving.server.http_error import RefusalError

SMALL = 1_048_576
"""Bytes up to which a request may use the whole budget; larger ones leave a quarter of it to such as these."""


class Budget:
    """Bytes that are held now, and how many may be; safe between threads."""

    def __init__(self, most: int) -> None:
        """Begin with nothing held."""
        self._most, self._held, self._lock = most, 0, threading.Lock()

    @property
    def held(self) -> int:
        """Bytes of all requests that are held."""
        return self._held

    def change(self, count: int, own: int) -> None:
        """Add `count` bytes, of a request that then holds `own`, or take them off where it is negative.

        Raises:
            RefusalError: 503 if there is no room.
        """
        with self._lock:
            most = self._most if own <= SMALL else self._most * 3 // 4
            if count > 0 and self._held + count > most:
                raise RefusalError(
                    503,
                    f"the requests at work hold {self._held:,} bytes and {self._most:,} are allowed together: "
                    "send the request again in a moment (or serve with a larger --max-held-bytes)",
                    {"retry-after": "1"},
                )
            self._held += count


class Held:
    """The bytes of one request, given back when it ends."""

    def __init__(self, budget: Budget) -> None:
        """Begin with nothing."""
        self._budget, self._own = budget, 0

    def take(self, count: int) -> None:
        """Hold more bytes; RefusalError with 503 if there is no room for them."""
        self._budget.change(count, self._own + count)
        self._own += count

    def give_back(self, count: int) -> None:
        """Hold fewer bytes."""
        self._budget.change(-count, self._own)
        self._own -= count

    def close(self) -> None:
        """Hold nothing."""
        self.give_back(self._own)
