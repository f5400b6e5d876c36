"""What a run's answers on photos that it was not trained on say of their labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from visionft.auditing.label_errors import below_standard
from visionft.reviewing.cards import Doubt
from visionft.wording.lists import count

UNSURE = 0.5
"""Probability of a right answer below which its loss is among the highest: the other classes together have more."""


def doubts_of(predictions: pa.Table, side: str) -> Iterator[Doubt]:
    """Yield a doubt for each answer that speaks against a label.

    A wrong answer is a likely label error by the rule of the audit, on the run's own probabilities, else one of a
    confused pair; a right answer of little probability has a high loss.

    Args:
        predictions: a row a photo: path, truth, label, probability in [0, 1], truth_probability in [0, 1].
        side: of the run whose photos these are, in words.
    """
    paths, truths, labels = (predictions[name].to_pylist() for name in ("path", "truth", "label"))
    surest, own = (predictions[name].to_numpy().astype(np.float64) for name in ("probability", "truth_probability"))
    wrong = np.array([truth != label for truth, label in zip(truths, labels, strict=True)], bool)
    classes = np.unique(np.array(truths, object), return_inverse=True)[1] if paths else np.empty(0, np.int64)
    suspect = below_standard(own, wrong, classes.astype(np.int64)) if paths else wrong
    pairs = Counter((truths[at], labels[at]) for at in np.flatnonzero(wrong).tolist())
    rank = {pair: number for number, pair in enumerate(sorted(pairs))}
    for at in np.flatnonzero(wrong | (own < UNSURE)).tolist():
        pair, mine, its = (truths[at], labels[at]), float(own[at]), float(surest[at])
        if not wrong[at]:
            yield Doubt(paths[at], "loss", (1 - mine,), f"answered rightly on {side}, with probability {mine:.2f} only")
        elif suspect[at]:
            why = f"answered {pair[1]!r} with probability {its:.2f} on {side}, and its own class with {mine:.2f}"
            yield Doubt(paths[at], "label", (1 - mine,), why, pair[1], its)
        else:
            often = count(pairs[pair], "photo")
            why = f"answered {pair[1]!r} with probability {its:.2f} on {side}, as {often} of {pair[0]!r}"
            yield Doubt(paths[at], "confused", (pairs[pair], -rank[pair], its), why, pair[1], its)
