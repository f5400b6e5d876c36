"""The audit: check, look at every photo once, compare, judge labels."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from visionft.auditing import drift, near_duplicates
from visionft.auditing.audit import Audit
from visionft.auditing.class_structure import alike, class_names, class_sizes
from visionft.auditing.collages import collages, inside, joined
from visionft.auditing.copies import Table, copies, product_leaks
from visionft.auditing.findings import KINDS, Finding
from visionft.auditing.label_errors import LabelQuality, judge
from visionft.auditing.marked_pairs import Pair
from visionft.auditing.photo_faults import photo_faults
from visionft.auditing.photo_features import Features, compute, keys_of
from visionft.backbones import Network
from visionft.data import SPLITS, QuickAudit
from visionft.data.sources.listing import Listing
from visionft.data.suggestions import Suggestion
from visionft.data.verify_photos import check
from visionft.errors import DataError
from visionft.photos.account import is_asked_for
from visionft.settings import DataSettings
from visionft.wording.lists import count

Bar = Callable[[str], AbstractContextManager[Callable[[int, int], None]]]
"""A bar with a title, whose value is called with (done, total)."""
CERTAIN = 0.8
"""Probability of another class from which a suspect label is suggested to be changed, and not only to be looked at."""
CHUNK = 8192


@dataclass(frozen=True, eq=False)
class Look:
    """How an audit looks at photos.

    Attributes:
        network: the frozen backbone.
        threshold: likeness from which two photos are near duplicates, in (0, 1].
        marked: pairs of paths that a person called no duplicates.
        bar: shows how far the work is.
    """

    network: Network
    threshold: float
    marked: frozenset[Pair]
    bar: Bar


def audit_photos(photos: Path, listing: Listing, settings: DataSettings, look: Look, labelled: bool = True) -> Audit:
    """Audit photos that were listed; nothing is written but the cache.

    Args:
        photos: the folder or the manifest.
        listing: what it holds.
        settings: how the photos are read.
        look: how they are looked at.
        labelled: whether their labels mean something.

    Raises:
        DataError: no photo can be used, or one broke while it was looked at.
    """
    began = time.monotonic()
    with look.bar("reading photos") as advance:
        checked = check(listing, settings.max_pixels, advance, remember=settings.scan_cache)
    if not checked.table.num_rows:
        why = (
            f"; the first: {checked.quarantine[0].path} ({checked.quarantine[0].reason})" if checked.quarantine else ""
        )
        raise DataError(f"none of the {count(listing.table.num_rows, 'photo')} of {photos} can be used{why}")
    columns = Table.of(checked.table, np.zeros(checked.table.num_rows, np.int64))
    with look.bar("looking at photos") as advance:
        features = compute(look.network, checked.root, columns.paths, columns.digests, advance)
    pixels = features.column("width").astype(np.int64) * features.column("height")
    columns = Table.of(checked.table, pixels)
    same = _copies(columns, features, checked.root, look)
    groups, pairs = same.groups, _named(columns.paths, same)
    found = [*_quarantined(checked), *photo_faults(features, columns.paths), *copies(columns, groups, same.near)]
    found += collages(columns, np.array([*same.parts], np.int64).reshape(-1, 2), np.array([*same.parts.values()]))
    found += product_leaks(columns)
    sides = _between_sides(columns, features)
    found += [Finding("drift", words, figure=drifted.auroc) for words, drifted in sides.values() if drifted.moved]
    if labelled:
        found += _of_classes(columns, features, groups, checked.notes, look)
    facts = {
        "photos_looked_at": len(columns.paths),
        "seconds": round(time.monotonic() - began, 1),
        "backbone": look.network.name,
        "threshold": look.threshold,
        "threshold_means": near_duplicates.explained(look.threshold),
        "notes": [note for note in checked.notes if note not in listing.notes],
        "drift": {name: drifted.to_json() for name, (_, drifted) in sides.items()},
    }
    return Audit(
        photos,
        QuickAudit(photos, listing, opened=True),
        checked.root,
        _ordered(found),
        pairs,
        facts,
        table=checked.table,
    )


def _ordered(found: Sequence[Finding]) -> tuple[Finding, ...]:
    rank = {kind: at for at, kind in enumerate(KINDS)}
    return tuple(sorted(found, key=lambda finding: (rank[finding.kind], -finding.confidence, finding.photos)))


def _quarantined(checked: Listing) -> list[Finding]:
    return [Finding("unreadable", item.reason, (item.path,)) for item in checked.quarantine if is_asked_for(item)]


@dataclass(frozen=True, eq=False)
class _Same:
    """What shows the same picture: likeness of near duplicates and of photos that a part shows, by indices; groups."""

    near: dict[tuple[int, int], float]
    parts: dict[tuple[int, int], float]
    groups: list[NDArray[np.int64]]


def _copies(table: Table, features: Features, root: Path, look: Look) -> _Same:
    """Compare photos, and parts of photos with photos; exact and near copies are in groups together."""
    keys = keys_of(table.digests)
    unique, first = np.unique(keys, return_index=True, return_inverse=True)[1:]
    order = np.sort(unique)
    index = near_duplicates.index_of(features, order)
    with look.bar("comparing photos") as advance:
        compared = near_duplicates.candidates(features, order, index)
        values = near_duplicates.compare(root, table.paths, keys, compared, advance)
    with look.bar("comparing parts of photos") as advance:
        in_parts, part_values = inside(root, table.paths, features, order, index, advance)
    place = {path: at for at, path in enumerate(table.paths)}
    home = unique[first]  # of each photo the first one with its bytes
    marked = {(place[a], place[b]) for a, b in look.marked if a in place and b in place}
    unlike = {tuple(sorted((int(home[a]), int(home[b])))) for a, b in marked}

    def alike(pairs: near_duplicates.Pairs, values: NDArray[np.float32]) -> dict[tuple[int, int], float]:
        rows = zip(pairs.tolist(), values.tolist(), strict=True)
        return {(a, b): v for (a, b), v in rows if v >= look.threshold and (min(a, b), max(a, b)) not in unlike}

    near, parts = alike(compared, values), alike(in_parts, part_values)
    near = {pair: near[pair] for pair in joined(len(home), near, parts)}
    same = [(int(at), int(of)) for at, of in enumerate(home) if at != of]
    linked = [*near, *((of, at) for at, of in same if (min(of, at), max(of, at)) not in marked)]
    groups = near_duplicates.groups(len(table.paths), np.array(linked, np.int64).reshape(-1, 2))
    of = np.arange(len(table.paths))
    for group in groups:
        of[group] = group[0]
    return _Same(near, {(a, b): value for (a, b), value in parts.items() if of[a] != of[b]}, groups)


def _named(paths: Sequence[str], same: _Same) -> tuple[tuple[Pair, float], ...]:
    """Return the pairs that are alike by their paths, the most alike first."""
    found = {**same.parts, **same.near}
    named = {(paths[min(pair)], paths[max(pair)]): value for pair, value in found.items()}
    return tuple(sorted(named.items(), key=lambda item: (-item[1], item[0])))


def _between_sides(table: Table, features: Features) -> dict[str, tuple[str, drift.Drift]]:
    splits = np.array([split or "" for split in table.splits])
    found = {}
    for other in SPLITS[1:]:
        first, second = (np.flatnonzero(splits == name) for name in ("train", other))
        compared = drift.compare_sets(_some(features, first), _some(features, second))
        if compared is not None:
            found[f"train and {other}"] = (f"train and {other}: {compared}", compared)
    return found


def _some(features: Features, chosen: NDArray[np.int64]) -> NDArray[np.float32]:
    if len(chosen) > drift.MOST:
        chosen = np.sort(np.random.default_rng(0).choice(chosen, drift.MOST, replace=False))
    return features.embeddings(chosen)


def _of_classes(
    table: Table, features: Features, groups: Sequence[NDArray[np.int64]], notes: Sequence[str], look: Look
) -> list[Finding]:
    names, labels = np.unique(np.array(table.labels, object), return_inverse=True)
    pieces = np.arange(len(labels))
    for group in groups:
        pieces[group] = group[0]
    with look.bar("judging labels") as advance:
        quality = judge(features.embeddings, labels.astype(np.int64), pieces, len(names), on_progress=advance)
    sums = np.zeros((len(names), features.embeddings(np.array([0])).shape[1]))
    for start in range(0, len(labels), CHUNK):
        part = np.arange(start, min(start + CHUNK, len(labels)))
        np.add.at(sums, labels[part], features.embeddings(part))
    sizes = np.bincount(labels, minlength=len(names))
    means = np.asarray(sums / sizes[:, None] - sums.sum(axis=0) / len(labels), np.float32)
    return [
        *label_findings(table.paths, list(names), labels, quality),
        *class_sizes(list(names), sizes),
        *class_names(notes),
        *alike(list(names), labels, means, quality),
    ]


def label_findings(
    paths: Sequence[str], names: Sequence[str], labels: NDArray[np.int64], quality: LabelQuality
) -> list[Finding]:
    """Return the suspect labels, the least likely ones first."""
    found = []
    for at in np.flatnonzero(quality.suspect).tolist():
        likely = int(quality.probabilities[at].argmax())
        probability, own = float(quality.probabilities[at, likely]), float(quality.confidence[at])
        words = f"{names[labels[at]]!r} has probability {own:.2f}, {names[likely]!r} {probability:.2f}"
        action = "relabel" if probability >= CERTAIN else "review"
        advised = Suggestion(paths[at], action, names[likely], f"label: {words}", probability)
        found.append(Finding("label", words, (paths[at],), 1 - own, own, (advised,)))
    return found


def unlabelled(root: Path, paths: Sequence[str]) -> Listing:
    """Return photos without labels as a listing."""
    nothing = pa.nulls(len(paths), pa.string())
    table = pa.table(
        {
            "path": pa.array(paths, pa.string()),
            "label": pa.array(["photos"] * len(paths)),
            "split": nothing,
            "group": nothing,
        }
    )
    return Listing(root, table.set_column(1, "label", pc.cast(table["label"], pa.string())))
