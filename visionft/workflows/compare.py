"""Two bundles before a rollout."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from visionft.errors import UsageError
from visionft.workflows.remote_photos import local_asked
from visionft.workflows.run_or_bundle import path_of

if TYPE_CHECKING:
    from visionft.bundle import Bundle
    from visionft.serving import Comparison

MANIFESTS = frozenset({".csv", ".tsv", ".txt", ".parquet", ".pq"})


def compare(
    before: Bundle | str | Path,
    after: Bundle | str | Path,
    *,
    data: str | Path,
    adapter: str | None = None,
    out: str | Path | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> Comparison:
    """Say which photos change their answer when one bundle takes the place of another; needs no torch.

    Where photos lie in folders named like classes of either bundle, right and wrong answers are counted too. Bundles
    may have different classes: they are matched by name.

    Args:
        before: the bundle that is served, or its folder.
        after: the one that would take its place.
        data: a folder of class folders or of photos (searched through), a photo or a glob.
        adapter: the one that answers in each of the two that has adapters.
        out: a file for the photos whose answer changes: .csv, .jsonl or .parquet.
        on_progress: called after every few photos with the number of files done and of all files.

    Raises:
        BundleError: a bundle is missing, damaged or of another version.
        DataError: there is no photo.
        UsageError: `data` is a manifest, `out` cannot be written, or the adapter does not fit the bundles.
    """
    if Path(data).suffix.lower() in MANIFESTS and Path(data).is_file():
        raise UsageError(
            f"--data: {data} is a manifest and bundles are compared on files; give the folder of its photos"
        )
    from visionft.serving import compare as compare_bundles

    comparison = compare_bundles(
        path_of(before), path_of(after), local_asked(data), adapter=adapter, on_progress=on_progress
    )
    if out is not None:
        comparison.write(out)
    return comparison
