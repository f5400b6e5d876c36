"""Where a run looks on a photo."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from visionft.errors import DataError, PhotoError, UsageError
from visionft.tasks.registry import require
from visionft.wording.did_you_mean import did_you_mean
from visionft.workflows.run_or_bundle import holds_bundle, path_of, place_of, run_at

if TYPE_CHECKING:
    from visionft.evaluation import Explained
    from visionft.runs import Run


def explain(
    run: Run | str | Path, photo: str | Path, *, of: str | None = None, out: str | Path | None = None
) -> Explained:
    """Show where a run looks on a photo: the places that speak for a class, as warm as they add to its logit.

    Activations times their gradient, at the last place of the network that is laid out over the photo (HiResCAM, arXiv
    2011.08891). It says what the network used, not whether that is a good reason.

    Args:
        run: a run or its folder.
        photo: a file.
        of: the class that is explained; none: the one that is answered.
        out: a .png for the photo beside the same with its warm places; none: nothing is written.

    Raises:
        RunError: there is no run, or a file of it is damaged.
        DataError: the photo cannot be read.
        UsageError: a bundle is given, the run has no such class, or `out` is no .png.
        BackboneError: no part of the run's network is laid out over the photo.
    """
    path, place, file = path_of(run), place_of(photo, "the photo"), place_of(out, "--out")
    if holds_bundle(path):
        raise UsageError(f"{path} is a bundle, which has no gradients; give the run that it was exported from")
    if file is not None and file.suffix.lower() != ".png":
        raise UsageError(f"--out: {file} does not end in .png; give it this ending")
    opened = run_at(path, unfinished=True)
    require(opened.task, "explain", f"explain, asked for of the run {path},", "leave it")
    if of is not None and of not in opened.classes:
        near = did_you_mean(of, opened.classes.names)
        raise UsageError(f"--of: the run {path} has no class {of!r}{near}; give one of its {len(opened.classes)}")
    from visionft.evaluation import explainer
    from visionft.photos import printable, read

    assert place is not None, "a photo is given"
    try:
        pixels = read(place)
    except PhotoError as error:
        raise DataError(f"{printable(place)} cannot be read as a photo ({error.reason}); give another one") from error
    with explainer(opened) as explained:
        found = explained(pixels, of)
    if file is not None:
        found.write(file)
    return found
