"""`visionft demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from visionft.cli.output import Json, finish, say
from visionft.cli.path_checks import PLACE
from visionft.wording.told import brief_of


def demo(
    folder: Annotated[Path, PLACE, Parameter(help="Where photos, run and bundle are made.")] = Path("visionft-demo"),
    /,
    *,
    verbose: Annotated[
        bool,
        Parameter(name=("--verbose", "-v"), negative="", help="Say every choice with its reason, and all figures."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Go the whole way on small photos that come with visionft: fit, evaluate, export, predict. No network is asked."""
    from visionft.workflows.demo import demo as demonstrate

    def tell(line: str) -> None:
        if told := line if verbose else brief_of(line):
            say(as_json, told)

    done = demonstrate(folder, tell)
    tell(f"all of it in {done.seconds:.0f} s; look at {done.report}")
    photos = done.folder / "photos"
    tell("the same on photos of your own, a folder for each class: visionft fit PHOTOS")
    finish("", done.to_json(), "predict", done.exported.bundle, photos / "mug", as_json=as_json)
