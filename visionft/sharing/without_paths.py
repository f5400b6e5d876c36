"""Records of a run without the folders of the machine that trained it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import Any

import yaml

from visionft.files.safe_json import read_object
from visionft.files.safe_yaml import read_yaml
from visionft.runs import layout

_PATH = re.compile(r"(?<![\w:/.~-])~?/(?:[^\s/'\",;:()\[\]]+/)*([^\s/'\",;:()\[\]]*)")
"""An absolute path inside a sentence; what it is called by itself is its last part. Addresses are left as they are."""
_DROPPED = {layout.ENVIRONMENT: ("command",), layout.DATA: ("quarantine", "notes")}
"""Lists of arguments, and of photos that could not be used."""


def record(folder: Path, name: str, known: Sequence[str]) -> bytes:
    """Return a JSON or YAML record with the last part of every absolute path in place of the path.

    Args:
        folder: of the run.
        name: of the record.
        known: paths, absolute, that may have spaces in them; any others are told by their looks.

    Raises:
        UnreadableError, VisionftError: it cannot be read.
    """
    longest_first = sorted({path for path in known if len(path) > 1}, key=len, reverse=True)
    if name == layout.SETTINGS:
        plain = _bare(read_yaml(folder / name, name), longest_first)
        text = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True)
    else:
        found = {**read_object(folder / name), **{key: [] for key in _DROPPED.get(name, ())}}
        text = json.dumps(_bare(found, longest_first), indent=2, ensure_ascii=False) + "\n"
    return str(text).encode("utf-8")


def _bare(value: Any, known: Sequence[str]) -> Any:
    if isinstance(value, dict):
        return {key: _bare(inner, known) for key, inner in value.items()}
    if isinstance(value, list):
        return [_bare(inner, known) for inner in value]
    return _bare_text(value, known) if isinstance(value, str) else value


def _bare_text(text: str, known: Sequence[str]) -> str:
    for path in known:
        text = text.replace(path, PurePath(path).name)
    return _PATH.sub(lambda found: found[1] or found[0].strip("/").rpartition("/")[2] or "/", text)
