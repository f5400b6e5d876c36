"""A head for other classes that keeps the rows of those it knew."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from visionft.backbones.heads import HEADS, Head, HeadKind, MlpHead
from visionft.backbones.network import Network
from visionft.backbones.prototype_head import PrototypeHead


def regrow(network: Network, kind: HeadKind, rows: Sequence[int | None], parts: Sequence[int] = ()) -> None:
    """Give the network a head whose row i is row `rows[i]` of its present one, bit for bit, or new.

    What a head has beside its rows (hidden layer, scale, space) stays. New rows start as in any new head: at zero, or
    at random where zero has no meaning.

    Args:
        network: changed in place.
        kind: of the present head and of the next one.
        rows: (C,) indices into the present head's classes; none for a new one.
        parts: of the next head's rows, where there are several.
    """
    before = network.head
    size = network.features, len(rows)
    after = PrototypeHead(*size) if isinstance(before, PrototypeHead) else HEADS[kind](*size, parts)
    state = {name: tensor for name, tensor in before.state_dict().items() if name not in _row_names(before)}
    after.load_state_dict(state, strict=False)
    kept = [(i, row) for i, row in enumerate(rows) if row is not None]
    to, source = torch.tensor([i for i, _ in kept], dtype=torch.long), torch.tensor([row for _, row in kept])
    with torch.no_grad():
        for name in _row_names(before) if kept else ():
            after.get_parameter(name)[to] = before.get_parameter(name)[source]
    network.head, network.num_classes = after.train(before.training), len(rows)


def _row_names(head: Head) -> tuple[str, ...]:
    """Return the parameters that have a row for each class."""
    prefix = "out." if isinstance(head, MlpHead) else ""
    return tuple(name for name, _ in head.named_parameters() if name in (f"{prefix}weight", f"{prefix}bias"))
