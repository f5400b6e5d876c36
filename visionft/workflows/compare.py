"""Runs and bundles on the same photos: what a rollout changes, and which of several is better."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from visionft.errors import UsageError
from visionft.tasks.registry import require
from visionft.workflows.remote_photos import local_asked, local_place
from visionft.workflows.run_or_bundle import holds_bundle, path_of, place_of, refuse_adapter, run_at

if TYPE_CHECKING:
    from visionft.bundle import Bundle
    from visionft.evaluation import Answered, SideBySide
    from visionft.runs import Run
    from visionft.serving import Comparison

MANIFESTS = frozenset({".csv", ".tsv", ".txt", ".parquet", ".pq"})
PAGE = frozenset({".html", ".htm"})
MOST = 12
"""Runs and bundles in one comparison: of more, no table can be read."""
Advance = Callable[[int, int], None]


def compare(
    before: Run | Bundle | str | Path,
    after: Run | Bundle | str | Path,
    *others: Run | Bundle | str | Path,
    data: str | Path | None = None,
    split: str | None = None,
    adapter: str | None = None,
    out: str | Path | None = None,
    pictures: str = "all",
    on_progress: Advance | None = None,
) -> Comparison | SideBySide:
    """Set runs and bundles side by side on the same photos, or say what changes when a bundle replaces another.

    Runs, with bundles among them or not, are compared photo by photo on held-out photos that none of them was trained
    on: top-1 with intervals, every two of them by a paired bootstrap and McNemar's exact test, corrected for all pairs
    (Holm, 1979), and the classes likewise. Two bundles alone say which photos change their answer, and need no torch;
    where photos lie in folders named like classes, right and wrong answers are counted too, and classes are matched by
    name.

    Args:
        before: a run or bundle, or its folder; of two bundles the one that is served.
        after: another; of two bundles the one that would take its place.
        others: further ones, twelve in all at most.
        data: other photos. For runs a folder of class folders or a manifest; none: those of `split`. For two bundles a
            folder of class folders or of photos (searched through), a photo or a glob, and it has to be given.
        split: of the runs' own photos, `test` or `validation`; none: test, where all runs have it.
        adapter: the one that answers in each bundle that has adapters.
        out: a file for the page (.html); of two bundles also one for the photos whose answer changes: .csv, .jsonl or
            .parquet.
        pictures: photos in the page: `all`, or `none`.
        on_progress: called after every few photos of two bundles with the number of files done and of all files.

    Returns:
        A `SideBySide` where runs, more than two or a page are asked for; else a `Comparison`.

    Raises:
        BundleError: a bundle is missing, damaged or of another version.
        RunError: there is no finished run, or a file of it is damaged.
        DataError: there is no photo, or none that all can be compared on.
        UsageError: `data` is a manifest for two bundles, `out` cannot be written, the adapter does not fit, one is
            given twice, or there are photos missing to compare on.
    """
    paths = [path_of(each) for each in (before, after, *others)]
    if is_side_by_side(paths, out):
        place = place_of(data, "--data")
        local = None if place is None else local_place(place)
        return _side_by_side(paths, local, split, adapter, place_of(out, "--out"), pictures)
    if data is None:
        raise UsageError("compare: --data is missing; `visionft compare --help` shows what it takes")
    if split is not None:
        raise UsageError(f"two bundles have no {split} photos of their own; leave --split out, they are in --data")
    if Path(data).suffix.lower() in MANIFESTS and Path(data).is_file():
        raise UsageError(
            f"--data: {data} is a manifest and bundles are compared on files; give the folder of its photos"
        )
    from visionft.serving import compare as compare_bundles

    comparison = compare_bundles(paths[0], paths[1], local_asked(data), adapter=adapter, on_progress=on_progress)
    if out is not None:
        comparison.write(out)
    return comparison


def is_side_by_side(paths: Sequence[Path], out: str | Path | None) -> bool:
    """Tell whether figures on labelled photos are asked for, and not what changes from one bundle to another."""
    page = out is not None and Path(out).suffix.lower() in PAGE
    return page or len(paths) > 2 or any((path / "settings.yaml").is_file() for path in paths)


def _side_by_side(
    paths: Sequence[Path], data: Path | None, split: str | None, adapter: str | None, out: Path | None, pictures: str
) -> SideBySide:
    _require_sensible(paths, data, split, out, pictures)
    from visionft.bundle import Bundle
    from visionft.evaluation import own_photos, side_by_side
    from visionft.reporting.comparison_page import Origin, write_comparison

    opened = [Bundle.open(path) if holds_bundle(path) else run_at(path) for path in paths]
    bundles = [each for each in opened if isinstance(each, Bundle)]
    runs = [each for each in opened if not isinstance(each, Bundle)]
    if not bundles:
        refuse_adapter(paths[0], adapter)
    for each in opened:
        task = each.chosen(adapter if each.adapters else None).record.task if isinstance(each, Bundle) else each.task
        require(task, "compare", f"compare with {each.path}", "use evaluate")
    name = "data" if data is not None else split or _split_of_all(runs)
    answered = [_answered(each, runs, name, data, adapter) for each in opened]
    root = data if data is not None and data.is_dir() else data.parent if data else own_photos(runs[0], name).root
    found = side_by_side(answered, name, root, _notes(bundles, name))
    if out is not None:
        origins = [Origin.of_bundle(each) if isinstance(each, Bundle) else Origin.of_run(each) for each in opened]
        write_comparison(found, origins, out, pictures=pictures == "all")
    return found


def _require_sensible(
    paths: Sequence[Path], data: Path | None, split: str | None, out: Path | None, pictures: str
) -> None:
    """Refuse what cannot be compared before anything is opened; UsageError says so."""
    twice = next((path for at, path in enumerate(paths) if path in paths[:at]), None)
    if twice is not None:
        raise UsageError(f"{twice} is given twice, and is like itself; give different runs or bundles")
    if len(paths) > MOST:
        raise UsageError(f"{len(paths)} runs and bundles are given, and {MOST} fit beside one another; give fewer")
    if out is not None and out.suffix.lower() not in PAGE:
        raise UsageError(f"--out: {out} does not end in .html, and a comparison of runs is a page; give it this ending")
    if pictures not in ("all", "none"):
        raise UsageError(f"pictures is {pictures!r}; give all or none")
    if split not in (None, "test", "validation"):
        raise UsageError(f"split is {split!r}, and runs are compared on held-out photos; give test or validation")
    if data is not None and split is not None:
        raise UsageError("--split names the runs' own photos and --data others; give one of the two")
    if data is None and all(holds_bundle(path) for path in paths):
        raise UsageError(f"{paths[0]} is a bundle and brings no photos; give labelled ones with --data")


def _split_of_all(runs: Sequence[Run]) -> str:
    return "test" if all(run.has_split("test") for run in runs) else "validation"


def _answered(each: Run | Bundle, runs: Sequence[Run], split: str, data: Path | None, adapter: str | None) -> Answered:
    from visionft.bundle import Bundle
    from visionft.evaluation import answered_by_bundle, answered_by_run, own_photos, translated

    if not isinstance(each, Bundle):
        return answered_by_run(each, split, data)
    own = adapter if each.adapters else None
    if data is not None:
        return answered_by_bundle(each, data, own)
    measured = translated(own_photos(runs[0], split), runs[0].classes, each.chosen(own).classes)
    return answered_by_bundle(each, measured, own)


def _notes(bundles: Sequence[Bundle], split: str) -> list[str]:
    told = ["each run was chosen by its validation photos, which flatters it"] if split == "validation" else []
    names = ", ".join(str(bundle.path) for bundle in bundles)
    return told + ([f"which photos {names} was trained on is not known: those would flatter it"] if bundles else [])
