"""The leaves of the settings tree as data: what the flags, the commented YAML and the faults are made from."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import annotated_types as at
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from visionft.settings import other_names
from visionft.settings.applicability import Applies
from visionft.settings.fit import FitSettings
from visionft.settings.method import Phase
from visionft.wording.did_you_mean import closest

_SPELT = {"from_run": "from", "for_gpu": "for"}
"""Settings whose flag has a name that Python keeps for itself."""
_PLACES_BY_WORD = ("weights",)
"""Settings that take a path beside words of their own."""
Bounds = dict[str, float]
Root = type[BaseModel]
_EXAMPLES = {False: "[{epochs: 2, unfreeze: 0.5}]", True: "old=new,older=newer"}
_PLAIN = {int: "a whole number", float: "a number", Path: "a path", str: "a name"}


@dataclass(frozen=True)
class Leaf:
    """One setting.

    Attributes:
        path: dotted field names from the root, such as `optim.batch_size`.
        annotation: the declared type without its bounds, such as `int | Literal["auto"]`.
        bounds: of the number, by the names gt, ge, lt, le.
        default: the value where nothing is given; None for `photos`, which is required.
        doc: the field's own sentence.
        applies: when the setting has an effect; None: its field does not say, which a test forbids.
        owners: the variants of a union (methods) that have this setting; empty: it always exists.
    """

    path: str
    annotation: Any
    bounds: tuple[tuple[str, float], ...]
    default: Any
    doc: str
    applies: Applies | None
    owners: tuple[str, ...] = ()

    @property
    def flag(self) -> str:
        """The flag of the command line."""
        return flag_of(self.path)

    @property
    def types(self) -> tuple[Any, ...]:
        """The members of the union, or the one type."""
        return get_args(self.annotation) if get_origin(self.annotation) in (Union, UnionType) else (self.annotation,)

    @property
    def is_place(self) -> bool:
        """Whether a value is a path, or may be one."""
        return Path in self.types or self.path in _PLACES_BY_WORD

    @property
    def choices(self) -> tuple[str, ...]:
        """The words that this setting knows."""
        return tuple(str(word) for kind in self.types if get_origin(kind) is Literal for word in get_args(kind))

    @property
    def optional(self) -> bool:
        """Whether the setting can be unset."""
        return NoneType in self.types

    @property
    def compound(self) -> bool:
        """Whether a value is a list or a mapping."""
        return any(get_origin(kind) is tuple for kind in self.types) or self.mapping

    @property
    def mapping(self) -> bool:
        """Whether a value is a mapping from names to names."""
        return any(get_origin(kind) is dict for kind in self.types)

    @property
    def allowed(self) -> str:
        """What may be given, in words: `a number above 0 and below 10, or auto`."""
        words = [self._plain(kind) for kind in self.types if kind in _PLAIN]
        several = "names" if tuple[str, ...] in self.types else f"a list such as {_EXAMPLES[self.mapping]}"
        words += [several] if self.compound else []
        chosen = ["true", "false"] if bool in self.types else []
        chosen += [*self.choices, *(["none"] if self.optional and "none" not in self.choices else [])]
        words += [_either(chosen)] if chosen else []
        return ", or ".join(words)

    def _plain(self, kind: Any) -> str:
        if kind is str and int in self.types:  # a text beside a number is two of them
            return "two such as 192x256"
        return _PLAIN[kind] + _range(dict(self.bounds))


def flag_of(path: str) -> str:
    """Return the flag of a dotted path, whether or not there is such a setting."""
    return "--" + _SPELT.get(path, path).replace("_", "-")


def _range(bounds: Bounds) -> str:
    if "ge" in bounds and "le" in bounds:
        return f" from {bounds['ge']} to {bounds['le']}"
    words = {"gt": "above", "ge": "from", "lt": "below", "le": "at most"}
    sides = [f"{word} {bounds[name]}" for name, word in words.items() if name in bounds]
    return f" {' and '.join(sides)}" if sides else ""


def _either(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _stripped(annotation: Any, metadata: list[Any]) -> tuple[Any, Bounds]:
    """Split an annotation into its bare type and the bounds found anywhere in it."""
    if get_origin(annotation) is Annotated:
        inner, *extra = get_args(annotation)
        return _stripped(inner, [*metadata, *extra])
    bounds: Bounds = {}
    for entry in metadata:
        for bound in entry.metadata if isinstance(entry, FieldInfo) else [entry]:
            for name, kind in (("gt", at.Gt), ("ge", at.Ge), ("lt", at.Lt), ("le", at.Le)):
                bounds |= {name: _short(getattr(bound, name))} if isinstance(bound, kind) else {}
    if get_origin(annotation) not in (Union, UnionType):
        return annotation, bounds
    members = [_stripped(member, []) for member in get_args(annotation)]
    for _, found in members:
        bounds |= found
    return Union[tuple(kind for kind, _ in members)], bounds  # noqa: UP007  # built from a tuple, which `|` cannot


def _short(bound: float) -> float:
    return int(bound) if float(bound).is_integer() else bound


def variants(info: FieldInfo) -> dict[str, type[BaseModel]]:
    """Return the models of a discriminated union by their tag, or nothing for any other field."""
    if not isinstance(info.discriminator, str):
        return {}
    return {model.model_fields[info.discriminator].default: model for model in get_args(info.annotation)}


def _of_model(model: type[BaseModel], prefix: str) -> Iterator[Leaf]:
    for name, info in model.model_fields.items():
        path = prefix + name
        if tagged := variants(info):
            yield from _of_variants(path, info, tagged)
        elif isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            yield from _of_model(info.annotation, path + ".")
        else:
            annotation, bounds = _stripped(info.annotation, info.metadata)
            default = None if info.is_required() else info.default
            yield Leaf(path, annotation, tuple(bounds.items()), default, _doc(info), _applies(info))


def _doc(info: FieldInfo) -> str:
    return " ".join((info.description or "").split())


def _applies(info: FieldInfo) -> Applies | None:
    return next((entry for entry in info.metadata if isinstance(entry, Applies)), None)


def _of_variants(path: str, info: FieldInfo, tagged: dict[str, type[BaseModel]]) -> Iterator[Leaf]:
    tag = str(info.discriminator)
    names = Literal[tuple(tagged)]  # type: ignore[valid-type]  # the members are known at run time alone
    yield Leaf(f"{path}.{tag}", names, (), getattr(info.default, tag), _doc(info), _applies(info))
    found: dict[str, Leaf] = {}
    for owner, model in tagged.items():
        for leaf in _of_model(model, path + "."):
            known = found.get(leaf.path, leaf)
            found[leaf.path] = replace(known, owners=(*known.owners, owner))
    yield from (leaf for leaf in found.values() if leaf.path != f"{path}.{tag}")


@cache
def leaves(root: Root = FitSettings) -> dict[str, Leaf]:
    """Return every setting of a run, or of another tree, by its dotted path, in the order of declaration."""
    return {leaf.path: leaf for leaf in _of_model(root, "")}


@cache
def phase_leaves() -> dict[str, Leaf]:
    """Return the settings of one phase of a freeze schedule by their names."""
    return {leaf.path: leaf for leaf in _of_model(Phase, "")}


def leaf_at(path: str, root: Root = FitSettings) -> Leaf | None:
    """Return the setting at a dotted path, which may lead into a list (`method.phases.0.lr`), or None."""
    inside = re.fullmatch(r"method\.phases\.\d+\.(\w+)", path)
    return phase_leaves().get(inside[1]) if inside else leaves(root).get(path)


def groups(root: Root = FitSettings) -> dict[str, str]:
    """Return the nodes beneath the root (`optim`, `data`, ...) with their sentences."""
    inner = {path.split(".")[0] for path in leaves(root) if "." in path}
    return {name: info.description or "" for name, info in root.model_fields.items() if name in inner}


def nearest(path: str, root: Root = FitSettings) -> str | None:
    """Return the known setting or group that a wrong dotted path most likely meant, or None."""
    path = path.replace("-", "_")
    if inside := re.fullmatch(r"(method\.phases\.\d+\.)(\w+)", path):
        return next((inside[1] + name for name in closest(inside[2], phase_leaves())), None)
    if other_names.SAME.get(path) in leaves(root):
        return other_names.SAME[path]
    known = [*leaves(root), *groups(root)]
    last = path.rpartition(".")[2]
    same_name = [other for other in known if other.rpartition(".")[2] == last and other != path]
    same_group = [other for other in known if other.rpartition(".")[0] == path.rpartition(".")[0]]
    for candidates, cutoff in ((same_name, 0.0), (same_group, 0.6), (known, 0.6)):
        if close := closest(path, candidates, cutoff=cutoff):
            return close[0]
    by_last = {other.rpartition(".")[2]: other for other in reversed(known)}
    return next((by_last[name] for name in closest(last, by_last, cutoff=0.75)), None)
