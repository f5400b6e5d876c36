"""What a backbone's name means: one of timm's, a folder, or a repository of the hub; in timm's own words for them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import timm
from timm.models import PretrainedCfg

from visionft.backbones import pico  # noqa: F401  # timm knows it from then on
from visionft.errors import BackboneError
from visionft.wording.did_you_mean import closest

LOCAL, HUB = "local-dir", "hf-hub"
TIMM = "timm/"  # timm's own place on the hub: a repository there has the name of timm's weights
CONFIG = "config.json"
CONFIG_MOST = 10_000_000  # bytes; the largest hold the names of 21,843 classes
CHANNELS = 3
LISTS = ("input_size", "test_input_size", "min_input_size", "mean", "std", "pool_size")


@dataclass(frozen=True)
class Blueprint:
    """What a network is built from.

    Attributes:
        architecture: timm's name without a tag.
        cfg: timm's description of the weights.
        known: timm's name, where timm knows all of this by itself.
        arguments: of the architecture, where they are not its own.
        folder: that holds the weights; none: timm knows where they are.
        repository: of the hub that they come from, with its revision; none: they come from elsewhere.
    """

    architecture: str
    cfg: PretrainedCfg
    known: str | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    folder: Path | None = None
    repository: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return what builds the same network again when folder and hub are out of reach, as plain values."""
        known = {name: value for name, value in asdict(self.cfg).items() if value is not None and name not in ELSEWHERE}
        plain = json.loads(json.dumps({"architecture": self.architecture, "cfg": known, "arguments": self.arguments}))
        return dict(plain)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Blueprint:
        """Read what `to_json` wrote."""
        return cls(str(values["architecture"]), _cfg(values["cfg"]), arguments=dict(values["arguments"]))


ELSEWHERE = frozenset({"url", "file", "state_dict", "label_names", "label_descriptions", "custom_load", "source"})
"""Where weights lie and what their old classes were: nothing that the network is built from."""


def is_place(name: str) -> bool:
    """Tell a folder or a repository from a name that timm knows by itself."""
    return parts(name)[0] is not None


def slug(name: str) -> str:
    """Return a word for a folder's name: without tag, place and owner."""
    source, place = parts(name)
    if source is None:
        return place.split(".")[0]
    return (Path(place).absolute().name if source == LOCAL else place.partition("@")[0].rpartition("/")[2]) or source


def same_backbone(one: str, other: str) -> bool:
    """Tell whether two names are of one backbone, whatever the tags of their weights."""
    if is_place(one) or is_place(other):
        return one == other
    return slug(one) == slug(other)


def registered(name: str) -> PretrainedCfg:
    """Return timm's description of a backbone's weights: those of the tag, or the default ones of a name without tag.

    Raises:
        BackboneError: timm has no such name or tag; the message has the nearest ones.
    """
    _, name = parts(name)
    architecture, _, tag = name.partition(".")
    if not timm.is_model(architecture):
        raise BackboneError(f"timm has no backbone called {name!r}{_hint(name, architecture)}")
    try:
        cfg = timm.get_pretrained_cfg(name)
    except RuntimeError:
        cfg = None
    if cfg is None and tag:
        tags = [known.partition(".")[2] for known in timm.list_pretrained(f"{architecture}.*")]
        raise BackboneError(f"timm has no weights {tag!r} for {architecture}{_nearest(tag, tags, every=True)}")
    return cfg or PretrainedCfg(architecture=architecture)


def in_folder(folder: Path, name: str, repository: str | None = None) -> Blueprint:
    """Read a folder as timm and its hub lay it out: config.json, and the weights beside it.

    Raises:
        BackboneError: there is no config.json, or none of a backbone that timm knows.
    """
    what = "give local-dir:FOLDER with a config.json of timm and model.safetensors in it"
    if not folder.is_dir():
        raise BackboneError(f"--backbone {name}: {folder} is no folder; {what}")
    if not (folder / CONFIG).is_file():
        raise BackboneError(f"--backbone {name}: {folder} has no {CONFIG}; {what}")
    try:
        if (folder / CONFIG).stat().st_size > CONFIG_MOST:
            raise ValueError("it is too long")
        plan = of_record(json.loads((folder / CONFIG).read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        reason = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'no reason'}"
        raise BackboneError(f"--backbone {name}: {folder / CONFIG} is none of timm's ({reason}); {what}") from error
    if not timm.is_model(plan.architecture):
        hint = _nearest(plan.architecture, timm.list_models())
        raise BackboneError(f"--backbone {name}: its {CONFIG} names {plan.architecture!r}, which timm has not{hint}")
    if plan.arguments.get("in_chans", plan.cfg.input_size[0]) != CHANNELS:
        raise BackboneError(f"--backbone {name}: it takes pictures of other than 3 channels; name another --backbone")
    return replace(plan, folder=folder, repository=repository)


def of_record(record: Mapping[str, Any]) -> Blueprint:
    """Read a config.json of timm: architecture, `model_args` and `pretrained_cfg`.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: it is none.
    """
    architecture, arguments = str(record["architecture"]), dict(record.get("model_args") or {})
    cfg = _as_saved(_cfg({**record.get("pretrained_cfg", record), "architecture": architecture}), arguments)
    for ours in ("num_classes", "pretrained"):
        arguments.pop(ours, None)
    return Blueprint(architecture, cfg, None, arguments)


def parts(name: str) -> tuple[str | None, str]:
    """Return the source of a name and what stands behind it; timm's own names have no source."""
    source, colon, place = name.partition(":")
    source = source.lower().replace("_", "-")
    known = source if colon and place and source in (LOCAL, HUB) else None
    inner = place if known == HUB else name
    if known != LOCAL and inner.startswith(TIMM) and timm.is_model(inner.removeprefix(TIMM).partition(".")[0]):
        return None, inner.removeprefix(TIMM)
    return (known, place) if known else (None, name)


def _cfg(values: Mapping[str, Any]) -> PretrainedCfg:
    names = {one.name for one in fields(PretrainedCfg)} - ELSEWHERE
    given = {key: value for key, value in values.items() if key in names}
    lists = {key: tuple(given[key]) for key in LISTS if isinstance(given.get(key), list)}
    return PretrainedCfg(**{**given, **lists})


def _as_saved(cfg: PretrainedCfg, arguments: Mapping[str, Any]) -> PretrainedCfg:
    """Correct what timm's table says of an architecture by the arguments that the saved one was made with."""
    if arguments.get("dynamic_img_size") or arguments.get("strict_img_size") is False:
        cfg = replace(cfg, fixed_input_size=False)
    size = arguments.get("img_size")
    if size is None:
        return cfg
    height, width = (size, size) if isinstance(size, int) else size
    return replace(cfg, input_size=(cfg.input_size[0], int(height), int(width)))


def _hint(name: str, architecture: str) -> str:
    if ":" in name or "/" in name or "\\" in name:
        return (
            f"; a repository of the hub is given as hf-hub:OWNER/NAME, a folder with a {CONFIG} as local-dir:FOLDER, "
            "and a file of weights with --weights"
        )
    return _nearest(architecture, timm.list_models())


def _nearest(word: str, known: list[str], *, every: bool = False) -> str:
    near = known if every else closest(word, known, n=3)
    return f"; did you mean {' or '.join(near)}?" if near else "; `visionft models` lists those that exist"
