"""Objects of the caller's own, turned at the door into settings that a run can record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from visionft.errors import UsageError
from visionft.wording.lists import some

if TYPE_CHECKING:
    from torch import nn

    from visionft.data.transforms.own_pipeline import Pipeline
    from visionft.evaluation import MetricFunction
    from visionft.runs.own_loss import GivenLoss

MODELS = "models"
"""The folder of the caches for networks that were given as objects."""


def with_model(
    flags: Mapping[str, Any], model: nn.Module | None, arguments: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Return the flags with a network of the caller's as their backbone.

    Args:
        flags: settings by name.
        model: a network of timm; none: there is none.
        arguments: of `timm.create_model`, that it was made with; none: they are read off the network.

    Raises:
        UsageError: the flags name another backbone too.
        BackboneError, WeightsError: see `backbones.store_network`.
    """
    if model is None:
        if arguments is not None:
            raise UsageError("model_args belongs to a network that is given as model=; leave it out")
        return dict(flags)
    if isinstance(model, str):
        raise UsageError(f"model= takes a network of timm; give a name such as {model!r} as backbone=")
    others = ("backbone", "weights", "from_run")
    if other := next((name for name in others if flags.get(name) is not None), None):
        raise UsageError(f"model= brings backbone and weights, and {other}={flags[other]} was given; give one of them")
    from visionft.backbones import store_network
    from visionft.data import cache_root

    return {**flags, "backbone": store_network(model, cache_root() / MODELS, arguments), "weights": "hub"}


def with_pipeline(flags: Mapping[str, Any], pipeline: Pipeline | None) -> dict[str, Any]:
    """Return the flags with a pipeline of the caller's in place of the named strength.

    Args:
        flags: settings by name.
        pipeline: of albumentations, what `A.to_dict` makes of it, or a file that `A.save` wrote; none: there is none.

    Raises:
        UsageError: the flags name a pipeline too.
        SettingsError: see `data.pipeline_text`.
    """
    if pipeline is None:
        return dict(flags)
    nested = flags.get("augment")
    if flags.get("augment.pipeline") or (isinstance(nested, Mapping) and nested.get("pipeline")):
        raise UsageError("augment_pipeline= and augment.pipeline are the same; give one of them")
    from visionft.data.transforms.own_pipeline import pipeline_text

    return {**flags, "augment.pipeline": pipeline_text(pipeline)}


def with_loss(flags: Mapping[str, Any], loss: Any, settings: Any) -> tuple[dict[str, Any], GivenLoss | None]:
    """Return the flags that name a loss, and the loss itself where it is the caller's own.

    Args:
        flags: settings by name.
        loss: the name of one of the task's losses, or a function; none: there is none.
        settings: whole settings, which name their loss already; or anything else.

    Raises:
        UsageError: the loss cannot be used.
    """
    if loss is None:
        return dict(flags), None
    if isinstance(loss, str):
        return {**flags, "loss": loss}, None
    from visionft.runs.own_loss import GivenLoss
    from visionft.settings import FitSettings

    given = GivenLoss.of(loss)
    return (dict(flags) if isinstance(settings, FitSettings) else {**flags, "loss": given.name}), given


def own_metrics(metrics: Any) -> Mapping[str, MetricFunction]:
    """Return metrics of the caller's own by name; UsageError: they are no functions by name."""
    if metrics is None:
        return {}
    from visionft.evaluation import require_metrics

    return require_metrics(metrics)


def pipeline_line(text: str) -> str:
    """Say which transforms change the training photos."""
    from visionft.data.transforms.own_pipeline import transforms_of

    return f"training photos are changed by a pipeline of your own: {some(transforms_of(text))}"
