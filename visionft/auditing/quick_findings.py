"""The cheap half of an audit: what the names, sides and digests of photos tell, without looking at one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from visionft.auditing.class_structure import class_names, class_sizes
from visionft.auditing.copies import Table, copies, product_leaks
from visionft.auditing.findings import KINDS, Finding
from visionft.photos import Quarantined
from visionft.photos.account import is_asked_for


def quick_findings(table: pa.Table, quarantine: Sequence[Quarantined], notes: Sequence[str]) -> list[Finding]:
    """Return what is wrong with photos as far as it can be told without their pixels, the gravest kinds first.

    Files that were left out; the same bytes on several sides, under several classes, or twice; products on several
    sides; classes that are too small, or far larger than others; odd class names. Near copies, wrong labels and bad
    photos take a look at the pixels: that is `visionft audit`.

    Args:
        table: path, label, split, group and digest of every photo.
        quarantine: files that were left out.
        notes: what was said when the photos were read.
    """
    columns = Table.of(table, np.zeros(table.num_rows, np.int64))
    names, sizes = np.unique(np.array(columns.labels, object), return_counts=True)
    found = [Finding("unreadable", item.reason, (item.path,)) for item in quarantine if is_asked_for(item)]
    found += [*copies(columns, _same_bytes(columns.digests), {}), *product_leaks(columns)]
    found += [*class_sizes(list(names), sizes), *class_names(notes)]
    rank = {kind: at for at, kind in enumerate(KINDS)}
    return sorted(found, key=lambda finding: (rank[finding.kind], -finding.confidence, finding.photos))


def _same_bytes(digests: Sequence[str]) -> list[NDArray[np.int64]]:
    """Return the places of photos with the same bytes, two or more each."""
    if not len(digests):
        return []
    place = np.unique(np.array(digests), return_inverse=True)[1]
    order = np.argsort(place, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(place[order])) + 1)
    return [group.astype(np.int64) for group in groups if len(group) > 1]
