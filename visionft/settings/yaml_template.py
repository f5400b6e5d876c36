"""A YAML file to start from: every setting with its sentence and its default."""

from __future__ import annotations

import json
import textwrap
from typing import Any

from visionft.settings.fields import Leaf, leaves
from visionft.settings.fit import FitSettings

_WIDTH = 110


def commented_yaml() -> str:
    """Return the whole tree with its defaults; `photos` and the settings of other methods are commented out."""
    written = ["# Every setting of visionft with its default. Keep the lines that you change."]
    method = FitSettings.model_fields["method"].default.name
    node = ""
    for leaf in leaves().values():
        head = leaf.path.rpartition(".")[0]
        written += ["", f"{head}:"] if head and head != node else []
        written += _entry(leaf, off=leaf.path == "photos" or bool(leaf.owners and method not in leaf.owners))
        node = head
    return "\n".join(written) + "\n"


def sentence(leaf: Leaf) -> str:
    """Return what a setting is, to which methods it belongs, what may be given and when it has an effect."""
    owners = f" (method {', '.join(leaf.owners)})" if leaf.owners else ""
    wanted = "" if leaf.allowed in ("a name", "a path") else f" Give {leaf.allowed}."
    when = f" Only where {leaf.applies.words}." if leaf.applies and leaf.applies.words else ""
    return f"{leaf.doc}{owners}{wanted}{when}"


def scalar(value: Any) -> str:
    """Return a default as YAML writes it."""
    return value if isinstance(value, str) else json.dumps(value)


def _entry(leaf: Leaf, off: bool) -> list[str]:
    indent = "  " if "." in leaf.path else ""
    name = leaf.path.rpartition(".")[2]
    value = "a/folder/of/class/folders" if leaf.path == "photos" else scalar(leaf.default)
    comment = textwrap.wrap(sentence(leaf), _WIDTH, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# ")
    return ["", *comment, f"{indent}{'# ' if off else ''}{name}: {value}"]
