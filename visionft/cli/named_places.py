"""Files and runs that settings of fit name, looked at before the heavy imports: what is not there is said at once.

The sentences are those of whoever reads them later. A run that was begun already needs some of them no more, so that
these are asked for only where it surely was not.
"""

from __future__ import annotations

import os
from pathlib import Path

from visionft.errors import DataError, WeightsError
from visionft.remote.hub_address import hub_address_of
from visionft.runs import layout
from visionft.runs.run_files import require_run
from visionft.settings import FitSettings

_WORDS = ("auto", "hub", "none")


def require_named(settings: FitSettings) -> None:
    """Look for what `--apply`, `--from`, `--distill`, `--weights`, `--data.splits` and `--data.taxonomy` name.

    Raises:
        RunError, WeightsError, DataError: it is not there.
    """
    if settings.apply is not None and not os.path.lexists(settings.apply):
        raise DataError(
            f"--apply: {settings.apply} cannot be read (no such file); give the suggestions.csv of `visionft audit`, "
            "or the corrections.csv of `visionft review`"
        )
    if _maybe_begun(settings):
        return
    for run in (settings.from_run, settings.distill):
        if run is None or hub_address_of(run) is not None:
            continue
        if run.absolute() != Path(settings.out).absolute():  # which is refused for itself
            require_run(run)
    _require_weights(settings.weights)
    splits = settings.data.splits
    if splits is not None and not os.path.lexists(splits):
        raise DataError(f"--data.splits: {splits} does not exist; give the splits.csv of an earlier run")
    taxonomy = settings.data.taxonomy
    if taxonomy is not None and not os.path.lexists(taxonomy):
        raise DataError(f"--data.taxonomy: {taxonomy} does not exist; give a CSV with the columns child and parent")


def _require_weights(weights: str) -> None:
    place = Path(weights)
    if weights not in _WORDS and place.suffix and not os.path.lexists(place):
        raise WeightsError(f"there is no file of weights at {place}; give a safetensors or torch file with --weights")


def _maybe_begun(settings: FitSettings) -> bool:
    """Tell whether the run may have been begun: the name that `--out auto` makes needs the networks' names."""
    if settings.out != "auto":
        return os.path.lexists(Path(settings.out) / layout.SETTINGS)
    begin = f"{settings.photos.absolute().stem}-{settings.method.name}"
    try:
        found = [folder for folder in Path("runs").iterdir() if folder.name.startswith(begin)]
    except OSError:
        return False
    return any(os.path.lexists(folder / layout.SETTINGS) for folder in found)
