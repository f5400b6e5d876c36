"""What is passed over and why: by its name alone, or as somebody else has found."""

from __future__ import annotations

import os
import unicodedata
from dataclasses import asdict, dataclass

IGNORED_FOLDERS = frozenset({"__MACOSX", "__pycache__", "@eaDir", "#recycle", "$RECYCLE.BIN", "lost+found"})
"""Folders that systems leave beside photos; hidden ones (.ipynb_checkpoints, .git) are ignored by their dot."""

_IGNORED_FILES = frozenset({"Thumbs.db", "desktop.ini", "Icon\r"})
_TURNS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@dataclass(frozen=True)
class Quarantined:
    """Something that was passed over: `path` in printable form, and a short `reason`."""

    path: str
    reason: str

    def to_json(self) -> dict[str, str]:
        """Return a plain dict."""
        return asdict(self)


def steers(text: str) -> bool:
    """Tell whether a text holds signs that steer a terminal: control characters, line breaks, turns of direction."""
    return any(_steers(sign) for sign in text)


def printable(path: str | os.PathLike[str]) -> str:
    r"""Return the path in valid Unicode on one line, to print and save.

    Bytes of a name that are not UTF-8 become `\xNN`, and so do signs that would steer a terminal (`\uNNNN` above 255).
    """
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return "".join(_escaped(sign) for sign in text) if steers(text) else text


def junk(name: str, *, folder: bool) -> str | None:
    """Return why a file or folder of this name holds no photo, or None."""
    kind = "folder" if folder else "file"
    if name.startswith("."):
        return f"hidden {kind}"
    if name in (IGNORED_FOLDERS if folder else _IGNORED_FILES):
        return f"{kind} made by a system, not photos"
    if not _is_unicode(name):
        return f"the name of the {kind} is not UTF-8: rename it"
    return None


def _is_unicode(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _steers(sign: str) -> bool:
    return sign in _TURNS or unicodedata.category(sign) in ("Cc", "Zl", "Zp")


def _escaped(sign: str) -> str:
    if not _steers(sign):
        return sign
    return f"\\x{ord(sign):02x}" if ord(sign) < 256 else f"\\u{ord(sign):04x}"
