"""`visionft sweep`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from visionft.cli.flags import dotted, with_settings, with_typed_settings
from visionft.cli.named_places import require_named
from visionft.cli.output import Json, finish, say
from visionft.cli.path_checks import PLACE, require_device, require_photos
from visionft.errors import UsageError
from visionft.settings.sweep import SweepSettings
from visionft.sweeping.trial_settings import settings_of_all


@partial(with_typed_settings, root=SweepSettings, over=Parameter(metavar="NAME=A..B,NAME=A,B"))
@partial(with_settings, without=("out",))
def sweep(
    photos: Annotated[
        Path | None, PLACE, Parameter(help="A folder of class folders, or a CSV/Parquet manifest.")
    ] = None,
    /,
    *,
    config: Annotated[
        Path | None, PLACE, Parameter(help="A YAML file with settings of all trials; flags go above it.")
    ] = None,
    as_json: Json = False,
    **flags: Any,
) -> None:
    """Make many fits over ranges and values of settings, and keep the best.

    Every other flag is one of fit, for all trials. Validation chooses; the test split is read for the best run alone.
    An interrupted sweep goes on with the same command, and the same command started twice shares the work.
    """
    own = {name: flags.pop(name) for name in SweepSettings.model_fields if name in flags}
    if own.get("over") is None:
        raise UsageError("sweep: --over is missing; give what is varied, such as --over lr=1e-4..1e-2,method=full,lora")
    from visionft import workflows

    given, told = dotted(flags), partial(say, as_json)
    asked = {name: field.default for name, field in SweepSettings.model_fields.items() if name != "over"} | own
    # Before torch is imported: all is said at once.
    plan = workflows.sweep_plan(photos, config=config, flags=dict(given), say=told, **asked)
    require_photos(Path(plan.shared["photos"]))
    require_device(str(plan.shared.get("hardware.device", "auto")))
    require_named(settings_of_all(plan.shared, plan.varied, str(plan.trial_folder(0))))
    result = workflows.sweep(photos, config=config, say=told, **own, **given)
    finish(str(result), result.to_json(), *result.following, as_json=as_json)
