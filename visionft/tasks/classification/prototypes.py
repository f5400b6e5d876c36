"""The head of prototypes of a fit: all of them, or those that an earlier run lacks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from visionft.backbones import PrototypeHead
from visionft.methods.prototypes import Space, class_means, solve
from visionft.runs.criterion import Photos, Solution
from visionft.wording.lists import count


def prototypes_for(head: PrototypeHead, train: Photos, validation: Photos, new: Sequence[int] | None) -> Solution:
    """Return all rows from the photos; or, in the space that the head has, the new ones, and the others as they are.

    Args:
        head: with the rows of an earlier run, where there is one; its space is empty unless they are prototypes.
        train: to take the means of.
        validation: to choose the space by.
        new: rows that the earlier run lacks; none: there is no earlier run.
    """
    if new is None or not head.solved:
        found = solve(train.features, train.labels, validation.features, validation.labels)
        kept = "plain distances" if np.isinf(found.shrinkage) else f"shrinkage {found.shrinkage:g}"
        what = f"{count(len(found.weight), 'prototype')} from {count(len(train.labels), 'photo')}"
        return Solution(what, found.weight, found.bias, kept, space=found.space)
    space = Space.of(head)
    weight, bias = (tensor.detach().cpu().numpy().copy() for tensor in (head.weight, head.bias))
    if new:
        means, photos = class_means(train.features, train.labels)
        chosen = list(new)
        weight[chosen], bias[chosen] = space.rows(means[chosen], photos[chosen])
    what = f"{count(len(new), 'new prototype')}, {len(weight) - len(new)} stay as they were"
    return Solution(what, weight, bias, "in the earlier run's space", space=space)
