"""Bounds of a JSON text, looked at before anything of it is built.

Python's parser holds every other thread while it works, and takes hundreds of bytes for two that a client sends. These
bounds are counts of bytes, a few milliseconds a megabyte; what passes them is parsed in less than half a second.
"""

from __future__ import annotations

from visionft.serving.server.http_error import RefusalError

MOST_TEXT = 33_554_432
"""Bytes of JSON; a tensor of more belongs into the binary extension."""
MOST_VALUES = 5_000_000
"""Commas: numbers of a tensor."""
MOST_LISTS = 500_000
"""Opening brackets: a nested photo has one for each of its pixels."""
MOST_WORDS = 10_000
"""Quotation marks, colons and braces; a sound request has some dozens."""
MOST_DIGITS = 309
"""Digits in a row: those of the largest float64."""

_BINARY = "send the tensor's data as bytes (binary_data_size)"
_COUNTED = (
    (b",", MOST_VALUES, "values", _BINARY),
    (b"[", MOST_LISTS, "lists", f"send the data flat, or {_BINARY}"),
    (b"{", MOST_WORDS, "objects", "send one request at a time"),
    (b":", MOST_WORDS, "keys", "send one request at a time"),
    (b'"', MOST_WORDS, "quotation marks", "send levels as numbers"),
)
# A search for a row of zeros in a text of zeros and blanks is twenty times as quick as one by a regular expression.
_DIGITS_ALIKE = bytes(ord("0") if sign in b"0123456789" else ord(" ") for sign in range(256))
_LONG = b"0" * (MOST_DIGITS + 1)


def check_length(count: int) -> None:
    """Raise RefusalError with 413 where a JSON text has more bytes than any is parsed of."""
    if count > MOST_TEXT:
        raise _beyond(count, "bytes", MOST_TEXT, _BINARY)


def check_json(view: memoryview) -> bytes:
    """Return a JSON text that it is safe to parse; RefusalError with 413, or 400 for a number without end."""
    check_length(len(view))
    text = bytes(view)
    for sign, most, what, instead in _COUNTED:
        if (count := text.count(sign)) > most:
            raise _beyond(count, what, most, instead)
    if _LONG in text.translate(_DIGITS_ALIKE):
        raise RefusalError(
            400, f"the JSON holds a number of more than {MOST_DIGITS} digits: send whole numbers from 0 to 255"
        )
    return text


def _beyond(count: int, what: str, most: int, instead: str) -> RefusalError:
    return RefusalError(413, f"the JSON holds {count:,} {what} and {most:,} are allowed: {instead}")
