"""From a template to one text of HTML that asks for nothing: what the pages of this room have in common."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined, select_autoescape

from visionft.reporting.charts import ending

TEMPLATES = files("visionft.reporting") / "templates"


@cache
def environment() -> Environment:
    """Return what makes pages of templates: everything is escaped, and nothing may be undefined."""
    environment = Environment(
        loader=FunctionLoader(text_of),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "share": _share,
        "ends": _ends,
        "value": _value,
        "seconds": _seconds,
        "ending": ending,
    }
    return environment


@cache
def text_of(name: str) -> str:
    """Return a template, style or script of the pages."""
    return (TEMPLATES / name).read_text(encoding="utf-8")


def policy(script: str) -> str:
    """Return a page's Content-Security-Policy: nothing is asked for, and this script alone runs."""
    digest = hashlib.sha256(script.encode()).digest()
    allowed = f"'sha256-{base64.b64encode(digest).decode('ascii')}'"
    return f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src {allowed}"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"


def _ends(interval: tuple[float, float] | None) -> str:
    return "" if interval is None else f"{interval[0]:.1%} to {interval[1]:.1%}"


def _value(value: Any) -> str:
    """Return a setting or a figure in words."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _seconds(value: float | None) -> str:
    if value is None:
        return "-"
    if value < 120:
        return f"{value:.1f} s"
    return f"{value / 60:.1f} min" if value < 7200 else f"{value / 3600:.1f} h"


def flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested values by dotted names; a list as its words."""
    found: dict[str, Any] = {}
    for name, value in tree.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = " ".join(map(str, value)) if isinstance(value, list | tuple) else value
    return found
