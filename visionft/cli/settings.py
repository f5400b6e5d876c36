"""`visionft settings`."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from visionft.cli.output import finish
from visionft.errors import UsageError
from visionft.settings.fields import leaves, nearest
from visionft.settings.yaml_template import commented_yaml, scalar, sentence


def settings(
    name: Annotated[str, Parameter(help="Show only settings whose name holds this, such as optim or lr.")] = "",
    /,
    *,
    yaml: Annotated[bool, Parameter(help="Print a commented YAML file to start from.", negative="")] = False,
) -> None:
    """Print every setting of fit with its default and its meaning."""
    if yaml:
        print(commented_yaml(), end="")
        return
    wanted = name.lstrip("-").replace("-", "_")
    found = [leaf for leaf in leaves().values() if wanted in leaf.path]
    if not found:
        near = nearest(wanted)
        advice = f"did you mean {near}?" if near else "leave it out to see them all"
        raise UsageError(f"no setting's name holds {name}; {advice}")
    for leaf in found:
        given = "PHOTOS" if leaf.path == "photos" else f"{leaf.flag} = {scalar(leaf.default)}"
        print(f"{given}\n    {sentence(leaf)}")
    finish("", {}, "fit", "PHOTOS", as_json=False)
