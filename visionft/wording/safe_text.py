"""Names from outside as text that is safe to print and to save: valid Unicode without control characters."""

from __future__ import annotations

import os
import re

# C0 and C1 controls move the cursor and rename windows; line separators and turns of direction forge other lines.
_CONTROLS = "\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069"
_UNSAFE = re.compile(f"[{_CONTROLS}]")
_UNSAFE_IN_TEXT = re.compile(f"(?![\n\t])[{_CONTROLS}]")
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def printable(path: str | os.PathLike[str]) -> str:
    r"""Return the path in valid Unicode, to print and save, on one line.

    Bytes of a name that are not UTF-8 become `\xNN`, and so do control characters: `\x1b`, `\n`, `\u202e`.
    """
    return _UNSAFE.sub(_escaped, _valid(os.fspath(path)))


def printable_text(text: str) -> str:
    """Return a text of several lines in the same way; its line breaks and tabs stay."""
    return _UNSAFE_IN_TEXT.sub(_escaped, _valid(text))


def steers(text: str) -> bool:
    """Tell whether a text holds signs that steer a terminal: control characters, line breaks, turns of direction."""
    return _UNSAFE.search(text) is not None


def is_text(name: str) -> bool:
    """Tell whether a name is valid Unicode; one that a file system gave is not where its bytes are not UTF-8."""
    return not any("\ud800" <= sign <= "\udfff" for sign in name)


def _valid(text: str) -> str:
    if is_text(text):
        return text
    try:
        return os.fsencode(text).decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # surrogates that stand for no byte
        return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _escaped(found: re.Match[str]) -> str:
    sign = found[0]
    return _SHORT.get(sign) or (f"\\x{ord(sign):02x}" if ord(sign) < 0x100 else f"\\u{ord(sign):04x}")
