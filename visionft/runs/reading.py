"""Read the records of a run folder, so that a damaged one is said in a sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from visionft.errors import RunError


def read_json(path: Path) -> dict[str, Any]:
    """Read a record of a run.

    Raises:
        RunError: the file is missing or damaged.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise damaged(path, type(error).__name__) from error
    if not isinstance(record, dict):
        raise damaged(path, "no object")
    return record


def damaged(path: Path, reason: str) -> RunError:
    """Return the error that says so."""
    return RunError(f"{path} is damaged ({reason}); restore it from a copy, or train again with another --out")
