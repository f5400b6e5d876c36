"""audit.html: one file that shows what was found, with the pictures in it and nothing asked of any network."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined, Template
from PIL import Image

from visionft.auditing.audit import Audit
from visionft.auditing.findings import KINDS, Finding
from visionft.auditing.measures import shrunken
from visionft.errors import PhotoError
from visionft.photos import printable, read

SHOWN = 24  # findings of a kind that are shown; all are in audit.json
TOGETHER = 6  # pictures of one finding
THUMB = 144  # pixels of a picture's longer side
MOST_BYTES = 4_000_000
"""Of all pictures together, as text: what comes after is named without its picture."""
_DIVISORS = (8, 4, 2)


def page(audit: Audit) -> str:
    """Return the whole page: pictures drawn anew from pixels, so that no EXIF comes along; no script, no request."""
    return str(_template("audit.html.j2").render(**_content(audit), style=_text("audit.css")))


def _template(name: str) -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(_text(name))


def _text(name: str) -> str:
    return (files("visionft.auditing") / "templates" / name).read_text(encoding="utf-8")


def _kinds(audit: Audit) -> list[dict[str, Any]]:
    return [
        {
            "key": kind,
            "title": KINDS[kind].title,
            "means": KINDS[kind].means,
            "grave": KINDS[kind].grave,
            "number": number,
        }
        for kind, number in audit.counts.items()
    ]


def _content(audit: Audit) -> dict[str, Any]:
    kinds, left = _kinds(audit), [MOST_BYTES]
    for kind in kinds:
        found = [finding for finding in audit.findings if finding.kind == kind["key"]][:SHOWN]
        kind["findings"] = [_shown(audit.root, finding, left) for finding in found]
    return {"audit": audit, "kinds": kinds, "photos": printable(audit.photos), "overview": str(audit.overview)}


def _shown(root: Path, finding: Finding, left: list[int]) -> dict[str, Any]:
    pictures = list(_pictures(root, finding.photos[:TOGETHER], left)) if finding.kind != "unreadable" else []
    names = [printable(path) for path in finding.photos]
    return {"words": finding.words, "pictures": pictures, "names": names, "more": len(finding.photos) - TOGETHER}


def _pictures(root: Path, paths: Sequence[str], left: list[int]) -> Iterator[dict[str, str]]:
    for path in paths:
        data = _thumbnail(root / path) if left[0] > 0 else ""
        left[0] -= len(data)
        if data:
            yield {"name": printable(path), "data": data}


def _thumbnail(path: Path) -> str:
    try:
        pixels = shrunken(read(path, max_pixels=1 << 62, reduction=_reduction), THUMB)
    except PhotoError:  # gone since it was looked at: its name is shown
        return ""
    file = BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=75)
    return base64.b64encode(file.getvalue()).decode("ascii")


def _reduction(height: int, width: int) -> int:
    return next((divisor for divisor in _DIVISORS if max(height, width) // divisor >= 2 * THUMB), 1)
