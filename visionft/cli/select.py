"""`visionft select`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from visionft.cli.output import Json, finish
from visionft.cli.path_checks import PLACE, require_photos
from visionft.errors import DataError

LIST = Path("to_label.csv")


def select(
    photos: Annotated[Path, PLACE, Parameter(help="A folder of photos, searched through; its names mean nothing.")],
    /,
    *,
    count: Annotated[int, Parameter(help="Photos to choose.")] = 50,
    labelled: Annotated[
        Path | None,
        PLACE,
        Parameter(help="Photos with labels: a folder of class folders, or a CSV/Parquet manifest."),
    ] = None,
    out: Annotated[Path, PLACE, Parameter(help="The list: path, label (to be filled in) and likely class.")] = LIST,
    backbone: Annotated[
        str,
        Parameter(help="The frozen network that photos are looked at with; auto: visionft_pico, which comes along."),
    ] = "auto",
    weights: Annotated[str, Parameter(help="`hub`, or the path of a safetensors or torch file.")] = "hub",
    as_json: Json = False,
) -> None:
    """Choose the photos that are most worth labelling: typical ones first, then uncertain ones, never copies."""
    if not photos.is_dir():
        raise DataError(f"{photos} is no folder; give the folder of photos to choose from")
    if labelled is not None:
        require_photos(labelled, "--labelled")
    from visionft import workflows
    from visionft.machine.progress import bar

    found = workflows.select(
        photos, count=count, labelled=labelled, out=out, backbone=backbone, weights=weights, bar=bar
    )
    record = {
        "photos": found.photos,
        "labelled": found.labelled,
        "chosen": len(found.paths),
        "how": found.how,
        "copies": found.copies,
        "unread": found.unread,
        "out": str(out),
    }
    said = f"{found}\nlist: {out}; fill in its column `label`, then"
    finish(said, record, "fit", out, as_json=as_json)
