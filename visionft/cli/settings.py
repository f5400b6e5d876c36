"""`visionft settings`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from cyclopts import Parameter

from visionft.cli.output import finish
from visionft.errors import UsageError
from visionft.settings.advise import AdviseSettings
from visionft.settings.evaluate import EvaluateSettings
from visionft.settings.export import ExportSettings
from visionft.settings.fields import Root, leaves, nearest
from visionft.settings.find_lr import FindLrSettings
from visionft.settings.fit import FitSettings
from visionft.settings.predict import PredictSettings
from visionft.settings.search import SearchSettings
from visionft.settings.serve import ServeSettings
from visionft.settings.sweep import SweepSettings
from visionft.settings.yaml_template import commented_yaml, scalar, sentence

TREES: dict[str, Root] = {
    "fit": FitSettings,
    "export": ExportSettings,
    "serve": ServeSettings,
    "evaluate": EvaluateSettings,
    "predict": PredictSettings,
    "search": SearchSettings,
    "advise": AdviseSettings,
    "find-lr": FindLrSettings,
    "sweep": SweepSettings,
}
"""The settings of each command that has some."""
_FOLLOWING = {
    "fit": ("PHOTOS",),
    "export": ("RUN",),
    "serve": ("BUNDLE",),
    "evaluate": ("RUN",),
    "predict": ("RUN", "PHOTOS"),
    "search": ("INDEX", "PHOTO"),
    "advise": ("PHOTOS",),
    "find-lr": ("PHOTOS",),
    "sweep": ("PHOTOS",),
}
"""What each command that has settings is called with."""


def settings(
    verb: Annotated[str, Parameter(help="The command whose settings are shown; none: fit. Or a NAME of fit.")] = "",
    name: Annotated[str, Parameter(help="Show only settings whose name holds this, such as optim or lr.")] = "",
    /,
    *,
    yaml: Annotated[bool, Parameter(help="Print a commented YAML file to start from.", negative="")] = False,
) -> None:
    """Print every setting of fit, or of another command, with its default and its meaning."""
    if verb not in TREES:
        if name:
            raise UsageError(f"no command {verb} has settings; give one of {', '.join(TREES)}")
        verb, name = "fit", verb
    if yaml:
        if verb != "fit":
            raise UsageError(f"--yaml: {verb} reads no YAML file; leave it out")
        print(commented_yaml(), end="")
        return
    print("\n".join(_shown(verb, name)))
    finish("", {}, verb, *_FOLLOWING[verb], as_json=False)


def _shown(verb: str, name: str) -> Iterator[str]:
    root = TREES[verb]
    wanted = name.lstrip("-").replace("-", "_")
    found = [leaf for leaf in leaves(root).values() if wanted in leaf.path]
    if not found:
        near = nearest(wanted, root)
        advice = f"did you mean {near}?" if near else "leave it out to see them all"
        raise UsageError(f"no setting's name holds {name}; {advice}")
    for leaf in found:
        given = "PHOTOS" if leaf.path == "photos" else f"{leaf.flag} = {scalar(leaf.default)}"
        yield f"{given}\n    {sentence(leaf)}"
