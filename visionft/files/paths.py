"""The one door for paths: what can never be a place, or cannot be written down, is told before any work."""

from __future__ import annotations

import errno
import os
from pathlib import PurePath

from visionft.errors import UsageError
from visionft.wording.safe_text import is_text, printable

_RENAME = "rename it, such as by `convmv -f latin1 -t utf8 --notest`, or give a link to it"
_REASONS = {
    errno.ENAMETOOLONG: ("is longer than the file system takes", "give a shorter path"),
    errno.ENOTDIR: ("lies below a file", "give a path whose parents are folders"),
    errno.ELOOP: ("is a link that leads back to itself", "give the folder or file that is meant"),
}
_LONGEST = 80


def unspoken(place: str | PurePath) -> str | None:
    """Return what is wrong with the words of a path, and what to do; None: nothing, and no disk was asked."""
    text = str(place)
    if text == "":
        return "the path is empty; give one, such as . for this folder"
    if "\0" in text:
        return f"{_short(text)} holds a NUL character, which no path has; leave it out"
    if not is_text(text):
        return f"the name of {_short(text)} is not UTF-8, and could not be written into any record; {_RENAME}"
    return None


def unreachable(place: str | PurePath) -> str | None:
    """Return what is wrong with a path, asking the file system; what does not exist yet is fine."""
    if wrong := unspoken(place):
        return wrong
    if not PurePath(place).is_absolute() and not is_text(_here()):
        return f"the name of the present folder, {_short(_here())}, is not UTF-8; {_RENAME}"
    try:
        os.stat(place)  # noqa: PTH116  # a Path would hide what is wrong
    except OSError as error:
        if error.errno in _REASONS:
            reason, remedy = _REASONS[error.errno]
            return f"{_short(str(place))} {reason}; {remedy}"
    return None


def require_place(place: str | PurePath, name: str) -> None:
    """Raise UsageError where a path cannot be one; `name` is how it was given, such as `--out`."""
    if wrong := unreachable(place):
        raise UsageError(f"{name}: {wrong}")


def _here() -> str:
    try:
        return os.getcwd()  # noqa: PTH109  # as text, whatever its bytes
    except FileNotFoundError:  # removed meanwhile: reading says so
        return ""


def _short(text: str) -> str:
    said = printable(text)
    return said if len(said) <= _LONGEST else f"{said[: _LONGEST - 3]}..."
