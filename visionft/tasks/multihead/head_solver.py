"""Solve each head on features of the frozen backbone: a multinomial regression a column, over the photos that know it.

Heads share features and nothing else, so the problem falls apart into one for each. A head whose classes an earlier run
has all of is not touched: its rows come back bit for bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visionft.runs.criterion import Photos, Solution
from visionft.settings import FitSettings
from visionft.tasks.multihead.head_layout import Heads
from visionft.training import class_balance, linear_probe, partial_linear_probe
from visionft.training.linear_probe import INVERSE_REGULARISATION, Probe
from visionft.wording.lists import count, some


@dataclass(frozen=True, eq=False)
class Known:
    """The photos of one split that know the label of one head.

    Attributes:
        features: (n, D).
        labels: (n,) places among the head's own classes.
    """

    features: NDArray[np.float32]
    labels: NDArray[np.int64]

    @classmethod
    def of(cls, photos: Photos, head: int) -> Known:
        """Return those of photos with labels (n, H)."""
        own = photos.labels[:, head]
        return cls(photos.features[own >= 0], own[own >= 0])


def solve(
    heads: Heads,
    rows: tuple[NDArray[np.float32], NDArray[np.float32]],
    settings: FitSettings,
    train: Photos,
    validation: Photos,
    new: Sequence[int] | None,
) -> Solution:
    """Solve every head, those that an earlier run lacks, or, of those that it has in part, the rows that it lacks.

    Args:
        heads: their classes.
        rows: weight (K, D) and bias (K,) of the head as it is.
        settings: of the run.
        train: to be solved on, with labels (n, H).
        validation: to choose the regularisation of each head by.
        new: rows that an earlier run lacks; none: there is no earlier run. Empty: all heads are drawn to its rows.
    """
    weight, bias = (part.copy() for part in rows)
    told, grown, kept = list[str](), list[str](), list[str]()
    for at, (name, own) in enumerate(zip(heads.names, heads.slices, strict=True)):
        free = None if new is None else [row - own.start for row in new if own.start <= row < own.stop]
        if new and not free:
            kept.append(name)
            continue
        parts = Known.of(train, at), Known.of(validation, at)
        whole = free is None or len(free) == heads.sizes[at]
        probe = _whole(settings, *parts) if whole else _rows(settings, *parts, weight[own], bias[own], free or ())
        weight[own], bias[own] = probe.weight, probe.bias
        told.append(f"{name} {probe.chosen.strength:.2g}")
        if free and not whole:
            grown.append(name)
    return Solution(_what(told, grown, kept, new), weight, bias, f"inverse regularisation {', '.join(told)}")


def _whole(settings: FitSettings, train: Known, held_out: Known) -> Probe:
    weights = _weights(settings, train)
    return linear_probe.solve(train.features, train.labels, held_out.features, held_out.labels, weights=weights)


def _rows(
    settings: FitSettings,
    train: Known,
    held_out: Known,
    weight: NDArray[np.float32],
    bias: NDArray[np.float32],
    free: Sequence[int],
) -> Probe:
    """Solve some rows of a head while its others stay; without any to solve, all of them, drawn to what they are."""
    return partial_linear_probe.extend(
        train.features, train.labels, held_out.features, held_out.labels,
        weight=weight, bias=bias, free=free or range(len(weight)), weights=_weights(settings, train),
        strengths=INVERSE_REGULARISATION if free else (0.0, *INVERSE_REGULARISATION),
    )  # fmt: skip


def _weights(settings: FitSettings, train: Known) -> NDArray[np.float64] | None:
    return class_balance.solving_weights(settings, np.bincount(train.labels).tolist())


def _what(told: Sequence[str], grown: Sequence[str], kept: Sequence[str], new: Sequence[int] | None) -> str:
    if new is None:
        return f"solved {count(len(told), 'head')}"
    if not new:
        return f"solved {count(len(told), 'head')}, drawn to the earlier run's, as no class is new"
    of_new = f", of {some(grown)} the new rows alone" if grown else ""
    left = f"; {some(kept)} {'stays' if len(kept) == 1 else 'stay'} as {'it was' if len(kept) == 1 else 'they were'}"
    return f"solved {count(len(told), 'head')}{of_new}{left if kept else ''}"
