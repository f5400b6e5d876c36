"""The values of columns for the photos of an evaluation: by path, or by their bytes where a run's own moved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from visionft.bundle import Bundle
from visionft.data import Values, slice_columns
from visionft.evaluation.evaluate import reading_of
from visionft.evaluation.evaluation import Evaluation
from visionft.photos import printable
from visionft.runs import Run, layout
from visionft.runs.run_files import read_json

GROUP = "group"
"""The column of products, which a run's own photos have without a manifest too."""


@dataclass(frozen=True)
class Columns:
    """Values of columns.

    Attributes:
        by_path: of each column, by path.
        by_digest: the same by the SHA-256 of the photos, as far as those are known.
    """

    by_path: Mapping[str, Values]
    by_digest: Mapping[str, Values] = field(default_factory=dict)

    def of(self, name: str, paths: Sequence[str], digests: Sequence[str]) -> list[str]:
        """Return a column's values (n,) for photos by path or else by digest, fit to be printed; empty: none."""
        values, kept = self.by_path[name], self.by_digest.get(name, {})
        pairs = zip(paths, digests, strict=True)
        return [printable(values.get(path) or kept.get(digest, "")) for path, digest in pairs]


def columns_of_run(
    run: Run, photos: Path | None, split: str | None, names: Sequence[str], flag: str = "--slice"
) -> Columns:
    """Read columns for the photos that `evaluate_run` would measure, before it does; `flag`: what named them.

    Raises:
        UsageError: there is no such column.
        DataError: the manifest cannot be read.
    """
    names = list(dict.fromkeys(names))
    if photos is not None and split is None:
        return Columns(slice_columns(photos, names, run.settings.data, flag))
    manifest = run.manifest()
    record = read_json(run.path / layout.DATA)
    source = manifest.root / Path(record.get("source", "")).name if manifest.by_rows else manifest.root
    source = photos if photos is not None and photos.is_file() else source
    own = [] if manifest.by_rows or not manifest.table[GROUP].drop_null() else [name for name in names if name == GROUP]
    others = [name for name in names if name not in own]
    by_path = slice_columns(source, others, run.settings.data, flag) if others else {}
    table = manifest.table.select(["path", GROUP, "digest"]).to_pydict()
    for name in own:
        pairs = zip(table["path"], table[GROUP], strict=True)
        by_path[name] = {path: value for path, value in pairs if value is not None}
    digest = dict(zip(table["path"], table["digest"], strict=True))
    by_digest = {
        name: {digest[path]: value for path, value in values.items() if path in digest}
        for name, values in by_path.items()
    }
    return Columns(by_path, by_digest)


def columns_of_bundle(
    bundle: Bundle, photos: Path, adapter: str | None, names: Sequence[str], flag: str = "--slice"
) -> Columns:
    """Read columns of a manifest that a bundle is measured on; errors as of `columns_of_run`."""
    return Columns(slice_columns(photos, list(dict.fromkeys(names)), reading_of(bundle.chosen(adapter)), flag))


def with_slices(evaluation: Evaluation, columns: Columns | None) -> Evaluation:
    """Return the evaluation with its accuracy by the columns' values; photos without a value are a slice too."""
    if columns is None:
        return evaluation
    paths = evaluation.predictions["path"].to_pylist()
    digests = [""] * len(paths) if evaluation.digests is None else list(evaluation.digests)
    return evaluation.sliced({name: columns.of(name, paths, digests) for name in columns.by_path})


def folder_of(paths: Sequence[str], digests: Sequence[str]) -> list[str]:  # noqa: ARG001  # a `Grouping`
    """Return the folder (n,) that each photo lies in, as its product; that of the root is `.`."""
    return [printable(str(PurePosixPath(path).parent)) for path in paths]
