"""Photos that a run serves against those that it was measured on: is it time to train again?"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from visionft.auditing.audit import Audit
from visionft.auditing.drift import FEWEST, MOST, Drift, compare_sets
from visionft.auditing.photo_features import Progress, compute
from visionft.data import Manifest
from visionft.runs import Run

SIDES = ("test", "validation")
"""Sides of a run whose photos nothing was fitted to by gradient, the better one first."""


def against_run(audit: Audit, run: Run, known: Manifest, split: str, on_progress: Progress) -> Audit:
    """Return the audit with what the run's own backbone says of its photos against those of the run.

    Args:
        audit: of the served photos.
        run: a finished run.
        known: the run's photos where they lie now.
        split: the side of these that is compared with.
        on_progress: called with (photos done, photos in all).
    """
    rows = known.rows(split)
    network, transform = run.network(), run.preprocess
    before = compute(network, known.root, list(rows.paths), list(rows.digests), None, transform)
    if audit.table is None:
        raise ValueError("the audit holds no table of its photos; audit them first")
    paths, digests = (audit.table[name].to_pylist() for name in ("path", "digest"))
    served = compute(network, audit.root, paths, digests, on_progress, transform)
    chosen = np.sort(np.random.default_rng(0).permutation(len(served))[:MOST])
    compared = compare_sets(before.embeddings(), served.embeddings(chosen))
    record = {"run": str(run.path), "split": split, **(compared.to_json() if compared else {})}
    return replace(audit, verdict=verdict(run.path, split, compared), facts={**audit.facts, "against": record})


def verdict(run: Path, split: str, compared: Drift | None) -> str:
    """Say in a sentence whether it is time to train again."""
    if compared is None:
        return f"too few photos to tell whether it is time to train {run} again: {FEWEST} of each set are needed"
    if compared.moved:
        return (
            f"it is time to train again: these photos look unlike the {split} photos that {run} was measured on, so "
            f"its figures say little of them ({compared}); label some, and measure it with visionft evaluate --data"
        )
    return f"no need to train again: these photos look like the {split} photos that {run} was measured on ({compared})"
