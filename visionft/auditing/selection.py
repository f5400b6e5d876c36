"""The photos of a folder that are most worth labelling, as a value and as a list to be filled in."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from visionft.auditing.audit_photos import Bar
from visionft.auditing.photo_features import compute
from visionft.auditing.worth_labelling import Embeddings, typical, uncertain
from visionft.backbones import Network
from visionft.data.sources.listing import Listing
from visionft.data.verify_photos import check
from visionft.errors import DataError
from visionft.photos import printable, spreadsheet_safe_table
from visionft.runs.atomic_write import make_folder, replacing
from visionft.wording.lists import count

FEW = 5
"""Labelled photos a class on average up to which typical photos are chosen; see benchmarks/selecting.py."""
SHOWN = 10
INVERSE_REGULARISATION = 100.0  # of the classifier on a few photos, whose embeddings have the length 1


@dataclass(frozen=True)
class Selection:
    """Photos to label, the most useful first.

    Attributes:
        root: folder that paths are relative to.
        paths: of the photos.
        likely: the class of each that the labelled photos suggest; empty where none are labelled.
        how: `typical` or `uncertain`.
        why: that choice, in a sentence.
        photos: those that could be chosen from.
        labelled: photos that have a label already.
        copies: photos that were passed over, as others have the same bytes.
        unread: photos that could not be read.
    """

    root: Path
    paths: tuple[str, ...]
    likely: tuple[str, ...]
    how: str
    why: str
    photos: int
    labelled: int
    copies: int
    unread: int

    def write(self, file: Path) -> Path:
        """Write path, label and likely, a row a photo: `label` is empty, and `fit` reads the file once it is filled in.

        Paths are relative to the file's folder.

        Raises:
            RunError: it cannot be written.
        """
        make_folder(file.parent)
        # Both without links: `..` behind a link leads to the parent of what it names.
        root, folder = self.root.resolve(), file.parent.resolve()
        places = [os.path.relpath(root / path, folder) for path in self.paths]
        columns = {"path": places, "label": [""] * len(places), "likely": list(self.likely) or [""] * len(places)}
        table = pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})
        with replacing(file) as temporary:
            pyarrow.csv.write_csv(spreadsheet_safe_table(table), temporary)
        return file

    def __str__(self) -> str:
        lines = [f"{count(len(self.paths), 'photo')} of {self.photos:,} to label, {self.how} ones: {self.why}"]
        lines += [f"  {printable(path)}" for path in self.paths[:SHOWN]]
        left = len(self.paths) - SHOWN
        lines += [f"  and {left:,} more"] if left > 0 else []
        lines += [f"{count(self.copies, 'photo')} passed over: others have the same bytes"] if self.copies else []
        return "\n".join(lines + ([f"{count(self.unread, 'photo')} could not be read"] if self.unread else []))


@dataclass(frozen=True)
class _Looked:
    """Photos that were looked at, each once by its bytes."""

    root: Path
    paths: list[str]
    labels: list[str]
    digests: list[str]
    copies: int
    unread: int


def select_photos(
    listing: Listing, labelled: Listing | None, number: int, network: Network, max_pixels: int, bar: Bar, seed: int = 0
) -> Selection:
    """Choose photos to label.

    Args:
        listing: photos without labels.
        labelled: photos with labels; those with the same bytes are not chosen again.
        number: photos to choose.
        network: the frozen backbone that photos are looked at with.
        max_pixels: photos of more pixels are not read.
        bar: shows how far the work is.
        seed: of the choice.

    Raises:
        DataError: no photo is left to choose from.
    """
    with bar("reading photos") as advance:
        known = None if labelled is None else _looked(labelled, max_pixels, advance, frozenset())
        fresh = _looked(listing, max_pixels, advance, frozenset(known.digests if known else ()))
    if not fresh.paths:
        raise DataError(
            f"no photo is left to choose from ({fresh.copies} are labelled already or copies, {fresh.unread} cannot be "
            "read); give other photos"
        )
    with bar("looking at photos") as advance:
        parts = [compute(network, part.root, part.paths, part.digests, advance) for part in (known, fresh) if part]
    embeddings = np.concatenate([part.embeddings() for part in parts])
    names = known.labels if known else []
    rows, likely, how, why = _chosen(embeddings, names, number, seed)
    offset = len(names)
    return Selection(
        fresh.root,
        tuple(fresh.paths[row - offset] for row in rows),
        likely,
        how,
        why,
        len(fresh.paths),
        offset,
        fresh.copies,
        fresh.unread,
    )


def _chosen(
    embeddings: Embeddings, labels: list[str], number: int, seed: int
) -> tuple[NDArray[np.int64], tuple[str, ...], str, str]:
    """Choose rows of embeddings (n, D), of which the first have labels; say which classes are likely, how and why."""
    have = np.arange(len(labels))
    if not labels:
        return typical(embeddings, have, number, seed=seed), (), "typical", "none is labelled yet"
    names, truth = np.unique(np.array(labels, object), return_inverse=True)
    answer = _classifier(embeddings[: len(labels)], truth.astype(np.int64))
    average = f"{len(labels):,} are labelled, {len(labels) / len(names):.1f} a class"
    if len(labels) < FEW * len(names) or len(names) == 1:
        how, rows = "typical", typical(embeddings, have, number, seed=seed)
    else:
        how, rows = "uncertain", uncertain(embeddings, have, number, answer, seed=seed)
    return rows, tuple(names[answer(embeddings[rows])].tolist()) if len(rows) else (), how, average


def _classifier(features: Embeddings, labels: NDArray[np.int64]) -> Callable[[Embeddings], NDArray[np.int64]]:
    """Return what the class (m,) of embeddings (m, D) likely is, by a logistic regression on the labelled ones."""
    if len(np.unique(labels)) == 1:
        return lambda asked: np.full(len(asked), labels[0])
    head = LogisticRegression(C=INVERSE_REGULARISATION, max_iter=500).fit(features, labels)
    return lambda asked: np.asarray(head.predict(asked), np.int64)


def _looked(listing: Listing, max_pixels: int, advance: Callable[[int, int], None], known: frozenset[str]) -> _Looked:
    checked = check(listing, max_pixels, advance)
    seen, kept = set(known), []
    digests = checked.table["digest"].to_pylist()
    for place, digest in enumerate(digests):
        if digest not in seen:
            seen.add(digest)
            kept.append(place)
    table = checked.table.take(pa.array(kept, pa.int64()))
    unread = len(checked.quarantine) - len(listing.quarantine)
    return _Looked(
        checked.root, table["path"].to_pylist(), table["label"].to_pylist(), table["digest"].to_pylist(),
        len(digests) - len(kept), max(0, unread),
    )  # fmt: skip
