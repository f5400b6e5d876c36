"""Whether a run set aside the photos that a smaller precision has to prove itself on: asked before any work."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from visionft.errors import BackboneError, PrecisionError, RunError
from visionft.tasks.registry import spec_of

if TYPE_CHECKING:
    from visionft.settings import ExportSettings


def require_enough_photos(run: Path, settings: ExportSettings) -> None:
    """Refuse a smaller precision that could not be shown to lose little even if it changed no answer at all.

    Such a one would pass its gate only by answering more photos rightly than the trained model, which is luck.

    Args:
        run: the folder of a run; one whose record cannot be read is left to whoever opens it.
        settings: of the export.

    Raises:
        BackboneError: the network is too large for one ONNX file, which no other setting would mend.
        PrecisionError: the run has too few validation photos.
    """
    if settings.precision == "fp32" or (count := _validation_photos(run)) is None:
        return
    _require_room(run)
    from visionft.metrics import Flips

    same, limit = Flips(0, 0, max(1, count)), settings.max_loss / 100
    if limit >= 1 or same.upper() < limit:
        return
    raise PrecisionError(
        f"--precision {settings.precision}: the run {run} has {count:,} validation photos, and to show that it loses "
        f"less than {settings.max_loss:g} points takes {same.photos_needed(limit):,} even if no answer changes; give a "
        "larger --max-loss or --precision fp32, or train with more photos or a larger --data.validation"
    )


def _require_room(run: Path) -> None:
    """Refuse finished weights that are too large by the size of their file."""
    from visionft.bundle.size_limits import too_large
    from visionft.runs import layout
    from visionft.runs.run_files import read_settings

    weights = run / layout.WEIGHTS
    if weights.is_file() and (
        sentence := too_large(read_settings(run / layout.SETTINGS).backbone, weights.stat().st_size)
    ):
        raise BackboneError(sentence)


def _validation_photos(run: Path) -> int | None:
    """Return how many there are; None where that is not known, or where the task has no smaller precision."""
    from visionft.runs import layout
    from visionft.runs.run_files import read_record, read_settings

    if not os.path.lexists(run / layout.DATA) or not os.path.lexists(run / layout.SETTINGS):
        return None
    try:
        if "reduce" not in spec_of(read_settings(run / layout.SETTINGS).task).stages:
            return None
        return read_record(run / layout.DATA, lambda record: int(sum(record["counts"].get("validation", {}).values())))
    except RunError:
        return None
