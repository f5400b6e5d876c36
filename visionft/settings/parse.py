"""Settings from YAML and flags, and back to YAML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from visionft.errors import SettingsError
from visionft.files.paths import unreachable
from visionft.files.safe_yaml import MAX_DEPTH, parse_yaml, read_yaml
from visionft.settings.error_messages import lines
from visionft.settings.export import ExportSettings
from visionft.settings.fields import Leaf, Root, flag_of, leaves
from visionft.settings.fit import FitSettings
from visionft.settings.method import METHODS
from visionft.settings.unused import unreachable_places, without_effect

Tree = dict[str, Any]
_UNSET = ("none", "null")


def from_yaml(path: str | Path) -> FitSettings:
    """Read complete settings, such as a run's settings.yaml; SettingsError names every fault.

    Settings without effect are no fault here: an older version may have taken them.
    """
    return _valid({}, _read(Path(path)), path)


def to_yaml(settings: FitSettings) -> str:
    """Return the whole tree as YAML, in the order of declaration; `from_yaml` reads it back to an equal object."""
    text: str = yaml.safe_dump(settings.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
    return text


def build(
    photos: FitSettings | str | Path | None = None, config: str | Path | None = None, **flags: Any
) -> FitSettings:
    """Return the settings of one run: defaults, beneath the YAML file, beneath the flags.

    Args:
        photos: a folder or manifest; or whole settings, which then take the place of the YAML file.
        config: a YAML file with any part of the tree.
        flags: any part of the tree, nested (`optim={"lr": 1e-3}`) or dotted (`**{"optim.lr": 1e-3}`); a method by its
            name alone (`method="head"`). Strings are read as on the command line.

    Raises:
        SettingsError: something is wrong, or was given and can have no effect; one line a fault, all faults at once.
    """
    return build_for((), photos, config, **flags)


def build_for(
    methods: Sequence[str],
    photos: FitSettings | str | Path | None = None,
    config: str | Path | None = None,
    /,
    **flags: Any,
) -> FitSettings:
    """Return settings as `build` does, of which every one has an effect under one of several methods at least.

    Args:
        methods: their names; none: the method of the settings.
        photos: as for `build`.
        config: as for `build`.
        flags: as for `build`.

    Raises:
        SettingsError: as `build`.
    """
    given, below = _given(photos, config, flags)
    settings = _valid(given, below, config)
    _require_effect(settings, methods, given, below, config)
    return settings


def build_export(**flags: Any) -> ExportSettings:
    """Return the settings of one export by their names; strings are read as on the command line.

    Raises:
        SettingsError: something is wrong, or was given and can have no effect; one line a fault, all faults at once.
    """
    given = _nested(flags)
    try:
        settings = ExportSettings.model_validate(_prepared(given, ExportSettings))
    except ValidationError as error:
        raise SettingsError(lines(error, flag_of, ExportSettings)) from None
    if faults := [*without_effect(settings, given, {}, flag_of).values()]:
        raise SettingsError(faults)
    return settings


def require_effect(settings: FitSettings, methods: Sequence[str] = ()) -> None:
    """Raise SettingsError where whole settings name something that can have no effect, as `build_for` does.

    What equals its default asks for nothing, and neither do the settings that a run has written.
    """
    _require_effect(settings, methods, {}, _plain(settings), None)


def _require_effect(
    settings: FitSettings, methods: Sequence[str], given: Tree, below: Tree, config: str | Path | None
) -> None:
    def label(path: str) -> str:
        return _label(path, given, config)

    own = settings.method
    kinds = [own if own.name == name else METHODS[name]() for name in methods] or [own]
    looked_at = [settings.model_copy(update={"method": kind}) for kind in kinds]
    first, *others = [without_effect(one, given, below, label) for one in looked_at]
    idle = [line for path, line in first.items() if all(path in found for found in others)]
    if faults := [*unreachable_places(settings, given, below, label), *idle]:
        raise SettingsError(faults)


def _given(photos: Any, config: str | Path | None, flags: Mapping[str, Any]) -> tuple[Tree, Tree]:
    """Return what was given one by one, and what lies beneath."""
    given = _nested(flags)
    if isinstance(photos, FitSettings):
        if config is not None:
            raise SettingsError([f"--config: {config} is given beside whole settings; give one of the two"])
        return given, _plain(photos)
    if photos is not None:
        given["photos"] = photos
        if isinstance(photos, str | PurePath) and PurePath(photos).suffix.lower() in (".yaml", ".yml"):
            raise SettingsError([f"PHOTOS: {photos} is a settings file, not photos; give it as --config {photos}"])
    return given, {} if config is None else _read(Path(config))


def _valid(given: Tree, below: Tree, config: str | Path | None) -> FitSettings:
    try:
        return FitSettings.model_validate(_prepared(_merged(below, given), FitSettings))
    except ValidationError as error:
        raise SettingsError(lines(error, lambda path: _label(path, given, config))) from None


def _label(path: str, given: Tree, config: str | Path | None) -> str:
    node: Any = given
    for key in path.split("."):
        if not isinstance(node, Mapping) or key not in node:
            break
        node = node[key]
    else:
        config = None
    if config is not None and path != "photos":
        return f"{path} in {config}"
    return "PHOTOS" if path == "photos" else flag_of(path).removesuffix(".name")


def _nested(flags: Mapping[str, Any]) -> Tree:
    """Turn dotted keys, models and a method's bare name into one nested mapping."""
    tree: Tree = {}
    for key, value in flags.items():
        part: Any = {"name": value} if key == "method" and isinstance(value, str) else _plain(value)
        key = "from_run" if key == "from" else key
        for piece in reversed(key.replace("-", "_").split(".")):
            part = {piece: part}
        tree = _merged(tree, part)
    return tree


def _plain(value: Any, depth: int = 0) -> Any:
    if depth > MAX_DEPTH:
        raise SettingsError([f"settings lie in more than {MAX_DEPTH} levels, or in themselves; give plain values"])
    if isinstance(value, PurePath):
        return str(value)  # a place may be given where a word is asked for: `weights`
    if isinstance(value, BaseModel):
        # A variant of a union is known by its tag, which `exclude_unset` would drop.
        tag = {"name": value.name} if hasattr(value, "name") else {}
        fields = [name for name in type(value).model_fields if name in value.model_fields_set]
        return {**tag, **{name: _plain(getattr(value, name), depth + 1) for name in fields}}
    if isinstance(value, Mapping):
        return {str(key): _plain(inner, depth + 1) for key, inner in value.items()}
    return [_plain(inner, depth + 1) for inner in value] if isinstance(value, list | tuple) else value


def _merged(below: Tree, above: Tree) -> Tree:
    """Lay one tree over another; another method's settings do not shine through."""
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        if key == "method" and isinstance(value, Mapping) and isinstance(old, Mapping):
            # Settings that were given without a name belong to whatever method is named beside them.
            old = old if old.get("name") in (None, value.get("name", old.get("name"))) else None
        merged[key] = _merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


def _prepared(tree: Tree, root: Root, prefix: str = "") -> Tree:
    """Make the values ready for pydantic: words of the command line, and booleans that are not numbers."""
    prepared: Tree = {}
    for key, value in tree.items():
        leaf = leaves(root).get(prefix + key)
        if leaf:
            prepared[key] = _word(value, leaf)
        else:
            prepared[key] = _prepared(value, root, f"{prefix}{key}.") if isinstance(value, dict) else value
    if prefix == "" and isinstance(prepared.get("method"), str):
        prepared["method"] = {"name": prepared["method"]}
    if prefix == "" and isinstance(prepared.get("method"), dict):
        prepared["method"].setdefault("name", FitSettings.model_fields["method"].default.name)
    return prepared


def _word(value: Any, leaf: Leaf) -> Any:
    if isinstance(value, bool) and bool not in leaf.types:
        return str(value).lower()  # pydantic would read `epochs: true` as 1
    if leaf.mapping and isinstance(value, str | list):
        return _pairs(value, leaf.flag)
    if not isinstance(value, str):
        return value
    if leaf.optional and value.lower() in _UNSET and "none" not in leaf.choices:
        return None
    if leaf.compound and value.startswith("["):
        return parse_yaml(value, leaf.flag)
    return value


def _pairs(value: str | list[Any], flag: str) -> Any:
    """Read `old=new,older=newer`, or several of these, or a mapping as YAML writes it; else return what was given."""
    if isinstance(value, str) and value.startswith("{"):
        return parse_yaml(value, flag)
    given = ",".join(map(str, value)) if isinstance(value, list) else value
    if given.lower() in _UNSET:
        return None
    parts = [word.partition("=") for word in given.split(",")]
    pairs = [(old.strip(), new.strip()) for old, _, new in parts]
    if not all(old and new for old, new in pairs):
        return given
    names = [old for old, _ in pairs]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise SettingsError([f"{flag}: {twice} is given two new names; give it one"])
    return dict(pairs)


def _read(path: Path) -> Tree:
    """Read the mapping of a YAML file; an empty file is an empty mapping."""
    name = f"--config: {path}"
    if wrong := unreachable(path):
        raise SettingsError([f"--config: {wrong}"])
    tree = read_yaml(path, name)
    if tree is not None and not isinstance(tree, dict):
        raise SettingsError([f"{name} holds no keys; give lines such as `epochs: 10`"])
    return _plain(tree or {})  # type: ignore[no-any-return]  # a mapping stays a mapping
