"""`visionft fit`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from visionft.cli.flags import dotted, with_settings
from visionft.cli.named_places import require_named
from visionft.cli.output import Json, finish, say
from visionft.cli.path_checks import PLACE, require_device, require_photos
from visionft.errors import UsageError
from visionft.settings import build
from visionft.settings.tracker_names import tracker_names
from visionft.wording.told import brief_of


@with_settings
def fit(
    photos: Annotated[
        Path | None, PLACE, Parameter(help="A folder of class folders, or a CSV/Parquet manifest.")
    ] = None,
    /,
    *,
    config: Annotated[
        Path | None, PLACE, Parameter(help="A YAML file with any of the settings; flags go above it.")
    ] = None,
    quiet: Annotated[
        bool, Parameter(name=("--quiet", "-q"), negative="", help="Say nothing but warnings and the outcome.")
    ] = False,
    verbose: Annotated[
        bool,
        Parameter(name=("--verbose", "-v"), negative="", help="Say every choice with its reason, and all figures."),
    ] = False,
    log: Annotated[
        str | None,
        Parameter(
            metavar="NAME,NAME",
            help="Trackers of experiments to tell: csv, tensorboard, mlflow, wandb; files are in logs beside the run.",
        ),
    ] = None,
    as_json: Json = False,
    **flags: Any,
) -> None:
    """Fine-tune on a folder of photos; evaluate the result.

    Every setting has a default that suits the photos and the machine; `visionft settings` explains them all.
    An interrupted run goes on with the same command.
    """
    if quiet and verbose:
        raise UsageError("--quiet and --verbose ask for opposite things; give one of them")
    from visionft.workflows.fit import in_place

    tracker_names(log)
    given = dotted(flags)
    settings = in_place(build(photos, config, **given), config, given)  # before torch is imported: all is said at once
    require_photos(settings.photos)
    require_device(settings.hardware.device)
    if settings.retention is not None:
        require_photos(settings.retention, "--retention")
    require_named(settings)
    from visionft import workflows

    told: dict[str, Any] = {} if log is None else {"log": log}
    run = workflows.fit(settings, say=_warn if quiet else partial(_tell, as_json, verbose), **told)
    from visionft.training import is_first

    if not is_first():
        return
    finish(str(run), run.summary(), "export", run.path, as_json=as_json)


def _tell(as_json: bool, verbose: bool, line: str) -> None:
    """Say a line in full or in short, where there is something to say."""
    text = str(line) if verbose else brief_of(line)
    if text:
        say(as_json, text)


def _warn(line: str) -> None:
    """Say a line that warns, on stderr; what a quiet fit decides is in its folder."""
    if line.startswith("warning"):
        say(True, line)
