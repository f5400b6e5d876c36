"""What is passed over and why: by its name alone, or as somebody else has found."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from visionft.wording.safe_text import is_text

IGNORED_FOLDERS = frozenset({"__MACOSX", "__pycache__", "@eaDir", "#recycle", "$RECYCLE.BIN", "lost+found"})
"""Folders that systems leave beside photos; hidden ones (.ipynb_checkpoints, .git) are ignored by their dot."""

_IGNORED_FILES = frozenset({"Thumbs.db", "desktop.ini", "Icon\r"})


@dataclass(frozen=True)
class Quarantined:
    """Something that was passed over: `path` in printable form, and a short `reason`."""

    path: str
    reason: str

    def to_json(self) -> dict[str, str]:
        """Return a plain dict."""
        return asdict(self)


def junk(name: str, *, folder: bool) -> str | None:
    """Return why a file or folder of this name holds no photo, or None."""
    kind = "folder" if folder else "file"
    if name.startswith("."):
        return f"hidden {kind}"
    if name in (IGNORED_FOLDERS if folder else _IGNORED_FILES):
        return f"{kind} made by a system, not photos"
    if not is_text(name):
        return f"the name of the {kind} is not UTF-8: rename it"
    return None
