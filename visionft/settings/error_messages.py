"""What pydantic finds wrong, in our words: one line a setting, all at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from visionft.settings import other_names
from visionft.settings.fields import Leaf, Root, flag_of, leaf_at, leaves, nearest, variants
from visionft.settings.fit import FitSettings
from visionft.settings.method import Phase
from visionft.wording.did_you_mean import closest
from visionft.wording.safe_text import printable

Label = Callable[[str], str]
_LONGEST_SHOWN = 60
_LONGEST_BITS = 1024
_BOUNDS = {
    "greater_than": "is not greater than {gt}",
    "greater_than_equal": "is less than {ge}",
    "less_than": "is not less than {lt}",
    "less_than_equal": "is greater than {le}",
}
_KINDS = {"int": "a whole number", "float": "a number", "bool": "true or false", "path": "a path", "string": "a name"}


def lines(error: ValidationError, label: Label, root: Root = FitSettings) -> list[str]:
    """Return one line for each setting at fault: what is wrong, what was given, what to do.

    Args:
        error: what the tree of settings raised.
        label: turns a dotted path into the name by which the user gave it (a flag, or a key in a file).
        root: the tree.
    """
    found: dict[str, list[ErrorDetails]] = {}
    for detail in error.errors(include_url=False):
        found.setdefault(_path(detail, root), []).append(detail)
    deep = {path.rpartition(".")[0] for path in found}
    # A list that is wrong inside is also "not auto": the other member of the union complains on the list itself.
    shallow = {path for path in found if any(inner == path or inner.startswith(path + ".") for inner in deep)}
    return [_line(path, details, label, root) for path, details in found.items() if path not in shallow]


def unknown(path: str, label: Label, root: Root = FitSettings) -> str:
    """Return the line for a setting that does not exist."""
    last = path.rpartition(".")[2]
    if root is FitSettings and (advice := other_names.INSTEAD.get(path)):
        return f"{label(path)}: no such setting; {advice}"
    if near := nearest(path, root):
        owners = leaves(root)[near].owners if near in leaves(root) else ()
        if near == path and owners:
            having = f"only the method {' or '.join(owners)} has {last}"
            return f"{label(path)}: {having}; give --method {owners[-1]} or leave it out"
        return f"{label(path)}: no such setting; did you mean {_like(label(path), near)}?"
    return f"{label(path)}: no such setting; `visionft settings` lists them all"


def shown(value: Any) -> str:
    """Return a value as the user would write it, cut where it is long."""
    if value is None or isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int) and value.bit_length() > _LONGEST_BITS:
        return "a number of very many digits"  # Python refuses to write it down
    if isinstance(value, Mapping):
        value = ",".join(f"{key}={inner}" for key, inner in value.items())
    if isinstance(value, PurePath):
        value = str(value)
    text = repr(value) if value == "" or (isinstance(value, str) and " " in value) else str(value)
    text = printable(text)
    return text if len(text) <= _LONGEST_SHOWN else text[: _LONGEST_SHOWN - 3] + "..."


def _like(label: str, path: str) -> str:
    if path == "photos":
        return "PHOTOS"
    return flag_of(path).removesuffix(".name") if label.startswith("--") else path


def _path(detail: ErrorDetails, root: Root) -> str:
    """Return the dotted path of a fault without the tags that pydantic adds for members of unions."""
    if detail["type"] == "value_error":  # settings that contradict each other: the sentence begins with one of them
        return str(detail["ctx"]["error"]).partition(": ")[0]
    node: type[BaseModel] | None = root
    tagged: dict[str, type[BaseModel]] = {}
    parts: list[str] = []
    for piece in detail["loc"]:
        info = node.model_fields.get(str(piece)) if node else None
        if isinstance(piece, int):
            parts.append(str(piece))
            node = Phase
        elif piece in tagged:
            node, tagged = tagged[piece], {}
        elif info is not None:
            parts.append(piece)
            tagged, node = variants(info), _inner(info)
    if detail["type"] == "extra_forbidden":
        parts.append(str(detail["loc"][-1]))
    return ".".join(parts)


def _inner(info: FieldInfo) -> type[BaseModel] | None:
    return info.annotation if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel) else None


def _line(path: str, details: list[ErrorDetails], label: Label, root: Root) -> str:
    # A number out of bounds is the user's fault; that it is not "auto" either is only the union speaking.
    detail = min(details, key=lambda one: (one["type"] not in _BOUNDS, one["type"] == "literal_error"))
    kind, value = detail["type"], detail["input"]
    if kind == "value_error":
        return f"{label(path)}: {str(detail['ctx']['error']).partition(': ')[2]}"
    if kind == "place":
        return f"{label(path)}: {detail['msg']}"
    if kind == "extra_forbidden":
        return unknown(path, label, root)
    if kind == "missing" and leaf_at(path, root):
        return f"{label(path)}: nothing is given; give {_wanted(path, root)}"
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        path, value = f"{path}.name", detail.get("ctx", {}).get("tag", value)
    if kind in ("model_type", "model_attributes_type"):
        return f"{label(path)}: {shown(value)} is not a group of settings; give {_members(path)}"
    leaf = leaf_at(path, root)
    close = closest(value, leaf.choices) if leaf and isinstance(value, str) else []
    meant = f"did you mean {close[0]}? give" if close else "give"
    return f"{label(path)}: {shown(value)} {_wrong(detail, leaf)}; {meant} {_wanted(path, root)}"


def _wrong(detail: ErrorDetails, leaf: Leaf | None) -> str:
    if pattern := _BOUNDS.get(detail["type"]):
        return pattern.format(**{name: f"{bound:.15g}" for name, bound in detail.get("ctx", {}).items()})
    if detail["type"] in ("literal_error", "union_tag_invalid", "union_tag_not_found"):
        return "is not known here"
    if detail["type"] == "tuple_type" or (leaf and leaf.compound and detail["type"] != "string_type"):
        return "is not a list"
    return f"is not {_KINDS.get(detail['type'].partition('_')[0], 'usable')}"


def _wanted(path: str, root: Root) -> str:
    if path == "photos":
        return "a folder of class folders, or a CSV/Parquet manifest"
    leaf = leaf_at(path, root)
    return leaf.allowed if leaf else "a phase such as {epochs: 2, unfreeze: 0.5}"


def _members(path: str) -> str:
    names = [other for other in leaves() if other.startswith(path + ".")]
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "") if names else "a mapping such as {epochs: 2}"
