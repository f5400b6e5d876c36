"""The flags of a command, made from its tree of settings."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from inspect import Parameter as Argument
from math import inf
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Group, Parameter

from visionft.cli.path_checks import PLACE
from visionft.errors import UsageError
from visionft.settings.fields import Leaf, Root, groups, leaves
from visionft.settings.fit import FitSettings
from visionft.settings.yaml_template import scalar, sentence

_METAVARS = {int: "N", float: "X", str: "NAME"}


def with_settings(
    command: Callable[..., None], without: Sequence[str] = (), root: Root = FitSettings
) -> Callable[..., None]:
    """Add a flag for every setting of a tree to a command that ends in `**flags`, but for those below `without`.

    Values stay as they were typed: the tree reads them, so that all faults are found at once and in the same words as
    in a YAML file. Only flags that were given arrive.
    """
    signature = inspect.signature(command, eval_str=True)
    own = [argument for argument in signature.parameters.values() if argument.kind is not Argument.VAR_KEYWORD]
    taken = {argument.name for argument in own}
    flags = [_flag(leaf) for leaf in leaves(root).values() if leaf.path not in taken and not _below(leaf, without)]
    command.__signature__ = signature.replace(parameters=[*own, *flags])  # type: ignore[attr-defined]  # read by inspect
    return command


def with_typed_settings(command: Callable[..., None], root: Root, **extra: Parameter) -> Callable[..., None]:
    """Add a flag for every setting of a flat tree, whose values the parser reads; only flags that were given arrive.

    Args:
        command: ends in `**flags`.
        root: the tree.
        extra: what a flag has beside its name and its sentence, such as a variable, by the setting's name.
    """
    signature = inspect.signature(command, eval_str=True)
    own = [argument for argument in signature.parameters.values() if argument.kind is not Argument.VAR_KEYWORD]
    flags = [
        Argument(
            leaf.path,
            Argument.KEYWORD_ONLY,
            default=leaf.default,
            annotation=_typed(leaf, extra.get(leaf.path, Parameter())),
        )
        for leaf in leaves(root).values()
    ]
    command.__signature__ = signature.replace(parameters=[*own, *flags])  # type: ignore[attr-defined]  # read by inspect
    return command


def _typed(leaf: Leaf, extra: Parameter) -> Any:
    place = PLACE if Path in leaf.types else Parameter()
    return Annotated[leaf.annotation, place, Parameter(help=leaf.doc), extra]


def require_bounds(given: Mapping[str, Any], root: Root) -> None:
    """Raise UsageError for the first number that was given outside the bounds of its setting, in the field's unit."""
    for leaf in leaves(root).values():
        bounds, value = dict(leaf.bounds), given.get(leaf.path)
        if bounds and value is not None and not _within(value, bounds):
            raise UsageError(f"{leaf.flag}: {_outside(leaf, value, bounds)}")


def _within(value: float, bounds: Mapping[str, float]) -> bool:
    above = value > bounds["gt"] if "gt" in bounds else value >= bounds.get("ge", -inf)
    return above and value <= bounds.get("le", inf)


def _outside(leaf: Leaf, value: float, bounds: Mapping[str, float]) -> str:
    if leaf.path == "port":
        return f"{value} is no port; give one from {bounds['ge']} to {bounds['le']}"
    if int in leaf.types:
        return f"{value} is less than {bounds['ge']}; give a whole number from {bounds['ge']}"
    unit = "milliseconds" if leaf.path.endswith("_ms") else "seconds"
    span = f"above {bounds['gt']}, up to {bounds['le']}" if "gt" in bounds else f"from {bounds['ge']} to {bounds['le']}"
    return f"{value:g} is out of range; give {unit} {span}"


def dotted(flags: Mapping[str, Any]) -> dict[str, Any]:
    """Return the given flags by the settings' dotted paths."""
    return {name.replace("__", "."): value for name, value in flags.items()}


def given_flags(given: Mapping[str, Any]) -> list[str]:
    """Return settings that were given, by their dotted paths, as words of a command line."""
    words: list[str] = []
    for path, value in given.items():
        words += [f"{leaves()[path].flag}={str(value).lower()}"] if isinstance(value, bool) else []
        words += [] if isinstance(value, bool) else [leaves()[path].flag, str(value)]
    return words


def _below(leaf: Leaf, paths: Sequence[str]) -> bool:
    return any(leaf.path == path or leaf.path.startswith(f"{path}.") for path in paths)


def _flag(leaf: Leaf) -> Argument:
    head = leaf.path.rpartition(".")[0]
    name: tuple[str, ...] = (leaf.flag,)
    if leaf.path == "method.name":  # `--method.name` is understood before the parser sees it
        name, head = ("--method",), ""
    if leaf.path == "report.pictures":  # as evaluate and report spell it
        name = (leaf.flag, "--pictures")
    switch = leaf.types == (bool,)
    parameter = Parameter(
        name=name,
        negative=_off(leaf) if switch else "",
        help=sentence(leaf),
        metavar=None if switch else _metavar(leaf),
        allow_repeating=leaf.mapping,
    )
    place = Parameter(group=_group(head)) if head else Parameter()
    kind: Any = bool if switch else list[str] if leaf.mapping else str
    annotation = Annotated[kind, parameter, place]
    # cyclopts wants a default of the annotated type; it is shown in the help and never arrives.
    default = leaf.default if switch or leaf.path == "photos" else scalar(leaf.default).replace("null", "none")
    default = [] if leaf.mapping else default
    return Argument(leaf.path.replace(".", "__"), Argument.KEYWORD_ONLY, default=default, annotation=annotation)


def _off(leaf: Leaf) -> str:
    head, dot, name = leaf.flag.lstrip("-").rpartition(".")
    return f"--{head}{dot}no-{name}"


def _metavar(leaf: Leaf) -> str:
    if leaf.compound:
        return "LIST"
    return next((_METAVARS[kind] for kind in leaf.types if kind in _METAVARS), "PATH" if Path in leaf.types else "WORD")


@cache
def _group(head: str) -> Group:
    title = groups()[head].partition(";")[0].rstrip(".")
    return Group(f"{head}: {title[0].lower()}{title[1:]}", sort_key=1 + [*groups()].index(head))
