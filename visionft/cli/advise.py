"""`visionft advise`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

from cyclopts import Parameter

from visionft.cli.flags import dotted, given_flags, require_bounds, with_settings, with_typed_settings
from visionft.cli.output import Json, finish, say
from visionft.cli.path_checks import PLACE, require_device, require_photos
from visionft.settings import METHODS, build_for, compared_methods
from visionft.settings.advise import AdviseSettings
from visionft.settings.unused import obstructed

if TYPE_CHECKING:
    from visionft.advising import Advice, Forecast


@partial(
    with_typed_settings, root=AdviseSettings, methods=Parameter(metavar="NAME,NAME"),
    small_files=Parameter(negative=""), for_gpu=Parameter(name="--for", metavar="GPU"),
)  # fmt: skip
@partial(with_settings, without=("method", "out"))
def advise(
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
    """Try every method for some steps on your photos and this machine, and recommend one.

    First the frozen backbone is looked at: nearest neighbours and logistic regression need no training. Nothing is
    written, and test photos are left alone. With --for nothing is tried: what fits into another GPU is forecast.
    """
    require_bounds(flags, AdviseSettings)
    asked = AdviseSettings(**{name: flags.pop(name) for name in AdviseSettings.model_fields if name in flags})
    given = dotted(flags)
    settings = build_for(compared_methods(asked.methods), photos, config, **given)
    from visionft import workflows

    if asked.for_gpu is not None:
        workflows.require_forecastable(
            settings, for_gpu=asked.for_gpu, steps=asked.steps, small_files=asked.small_files
        )
        require_photos(settings.photos)
        forecast = cast("Forecast", workflows.advise(settings, **dict(asked), say=partial(say, as_json)))
        words = _following(photos, config, given | _taken(forecast), forecast.method) if forecast.method else []
        finish(str(forecast), forecast.to_json(), *words, as_json=as_json)
        return
    workflows.require_advisable(settings, asked.steps)
    require_photos(settings.photos)
    require_device(settings.hardware.device)
    advice = cast("Advice", workflows.advise(settings, **dict(asked), say=partial(say, as_json)))
    chosen = settings.model_copy(update={"method": METHODS[advice.method]()})
    idle = obstructed(chosen, given)
    kept = {path: value for path, value in given.items() if path not in idle}
    following = _following(photos, config, {"backbone": advice.look.backbone, **kept}, advice.method)
    finish(str(advice), advice.to_json(), *following, as_json=as_json)


def _following(photos: Path | None, config: Path | None, given: Mapping[str, Any], method: str) -> list[str | Path]:
    """Return the words of the fit that was recommended, with the flags that were given here."""
    words: list[str | Path] = ["fit", *([photos] if photos else []), "--method", method]
    words += ["--config", config] if config else []
    return [*words, *given_flags(given)]


def _taken(forecast: Forecast) -> dict[str, Any]:
    """Return the settings under which what was forecast fits."""
    taken: dict[str, Any] = {"backbone": forecast.backbone}
    if 0 < forecast.micro_batch < forecast.batch:
        taken["optim.micro_batch"] = forecast.micro_batch
    return {**taken, "hardware.gradient_checkpointing": True} if forecast.checkpoints else taken
