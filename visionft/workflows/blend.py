"""A new run between the start and the end of a run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from visionft.tasks.registry import require
from visionft.workflows.evaluate import evaluate_once
from visionft.workflows.located_photos import locate_runs, notes_of
from visionft.workflows.report import report_once
from visionft.workflows.run_or_bundle import path_of, place_of, run_at

if TYPE_CHECKING:
    from visionft.runs import Run

Say = Callable[[str], None]


def blend(
    run: Run | str | Path,
    out: str | Path | None = None,
    *,
    data: str | Path | None = None,
    coefficients: Sequence[float] | None = None,
    say: Say = print,
) -> Run:
    """Make a new run whose weights lie between those before and after training (WiSE-FT, arXiv 2109.01903).

    Such weights often keep more of what was known, at little cost for what was learnt. Nothing is trained: the share of
    the way is the one with the best top-1 on validation. The new run is evaluated as `fit` does.

    Args:
        run: a finished run or its folder; its start must be there, so it was trained by epochs.
        out: the new run's folder; none: RUN-blend beside RUN.
        data: where the run's photos are now, if they moved; they are found by their digests.
        coefficients: shares of the way that are tried, in [0, 1]; none: 0, 0.1, ... 1.
        say: receives each line of the report; print by default.

    Raises:
        UsageError: a coefficient is outside [0, 1].
        RunError: there is nothing to blend, or something else is at `out`.
        DataError: none of the run's photos is there as it was.
    """
    path = path_of(run)
    opened = run_at(path)
    from visionft.finishing import TENTHS
    from visionft.finishing import blend as blend_run

    require(opened.task, "blend", f"blend, asked for of the run {path},", "use the run as it is")
    whole = opened.path.resolve() if opened.path.name in ("", "..") else opened.path
    place = place_of(out, "--out") or whole.with_name(f"{whole.name}-blend")
    runs, located = locate_runs({"": opened}, data, ("validation", "train"))
    for note in notes_of(located):
        say(f"note: {note}")
    blended = blend_run(runs[""], place, TENTHS if coefficients is None else tuple(coefficients), say)
    evaluate_once(blended, say, data)
    report_once(blended, say, root=place_of(data, "--data"))
    return blended
