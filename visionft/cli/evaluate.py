"""`visionft evaluate`."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from cyclopts import Parameter

from visionft.cli.arguments import Model, adapter_words
from visionft.cli.flags import with_typed_settings
from visionft.cli.output import Json, finish
from visionft.cli.path_checks import require_photos, require_run
from visionft.settings.evaluate import EvaluateSettings

SLICE = Parameter(negative="", show_default=False, consume_multiple=False)


@partial(with_typed_settings, root=EvaluateSettings, slice=SLICE)
def evaluate(run: Model, /, *, as_json: Json = False, **flags: Any) -> None:
    """Measure a run or a bundle on photos with labels."""
    asked = EvaluateSettings(**flags)
    require_run(run)
    if asked.data is not None:
        require_photos(asked.data, "--data")
    if asked.retention is not None:
        require_photos(asked.retention, "--retention")
    from visionft import workflows
    from visionft.workflows.run_or_bundle import holds_bundle

    evaluation = workflows.evaluate(run, **dict(asked))
    following: list[str | Path] = (
        ["predict", run, "PHOTOS", *adapter_words(asked.adapter)] if holds_bundle(run) else ["export", run]
    )
    finish(str(evaluation), evaluation.summary(), *following, as_json=as_json)
