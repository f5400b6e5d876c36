"""`visionft find-lr`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from visionft.cli.flags import dotted, given_flags, with_settings, with_typed_settings
from visionft.cli.named_places import require_named
from visionft.cli.output import Json, finish, say
from visionft.cli.path_checks import PLACE, require_device, require_photos
from visionft.settings import build
from visionft.settings.find_lr import FindLrSettings


@partial(with_typed_settings, root=FindLrSettings)
@partial(with_settings, without=("out", "optim.lr", "from_run", "distill"))
def find_lr(
    photos: Annotated[
        Path | None, PLACE, Parameter(help="A folder of class folders, or a CSV/Parquet manifest.")
    ] = None,
    /,
    *,
    config: Annotated[
        Path | None, PLACE, Parameter(help="A YAML file with any of the settings of fit; flags go above it.")
    ] = None,
    as_json: Json = False,
    **flags: Any,
) -> None:
    """Find a learning rate: the first steps of a fit under a rising rate, and where the loss falls fastest.

    Every other flag is one of fit. No run is made; a picture and a table of the losses are written.
    """
    own = {name: flags.pop(name) for name in FindLrSettings.model_fields if name in flags}
    asked = {name: field.default for name, field in FindLrSettings.model_fields.items()} | own
    given = dotted(flags)
    settings = build(photos, config, **given)
    from visionft import workflows

    workflows.require_findable(settings, asked["steps"], asked["lowest"], asked["highest"])
    require_photos(settings.photos)
    require_device(settings.hardware.device)
    require_named(settings)
    found = workflows.find_lr(settings, **asked, say=partial(say, as_json))
    words: list[str | Path] = ["fit", *([photos] if photos else [])]
    words += ["--config", config] if config else []
    finish(str(found), found.to_json(), *words, *given_flags({**given, **found.settings}), as_json=as_json)
