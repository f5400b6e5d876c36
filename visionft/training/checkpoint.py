"""The last state of an unfinished training: everything that its continuation depends on, bit for bit."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from visionft.errors import RunError
from visionft.files import digests
from visionft.files.safe_open import WEIGHTS_BYTES, UnreadableError
from visionft.runs.atomic_write import replacing
from visionft.runs.history import Epoch


@dataclass
class Checkpoint:
    """One moment of a training.

    Attributes:
        step: optimizer steps done.
        network: trained weights and buffers.
        averaged: averaged weights and buffers; none without averaging.
        optimizer: AdamW's state.
        micro_batch: photos a forward pass, after any out-of-memory errors.
        history: one row for each finished epoch.
        pending_loss: training losses of the steps since the last finished epoch.
        beside: what trains beside the network and is not kept, such as a student's projection.
        scaler: factor of the loss in fp16 and the steps since it last grew; empty in other arithmetic.
        loss: parameters of the loss, such as a place for each class; without its buffers, which the caller gives.
    """

    step: int
    network: dict[str, Tensor]
    averaged: dict[str, Tensor] | None
    optimizer: dict[str, Any]
    micro_batch: int
    history: list[Epoch] = field(default_factory=list)
    pending_loss: list[float] = field(default_factory=list)
    beside: dict[str, Tensor] = field(default_factory=dict)
    scaler: dict[str, Any] = field(default_factory=dict)
    loss: dict[str, Tensor] = field(default_factory=dict)

    def save(self, path: Path) -> None:
        """Replace the checkpoint file atomically."""
        state = {**vars(self), "history": [asdict(epoch) for epoch in self.history]}
        with replacing(path) as temporary:
            torch.save(state, temporary)

    @classmethod
    def load(cls, path: Path) -> Checkpoint:
        """Read a checkpoint without pickle's code execution.

        Raises:
            RunError: the file is damaged.
        """
        try:
            digests.verify(path, WEIGHTS_BYTES)
            state = torch.load(path, map_location="cpu", weights_only=True)
            return cls(**{**state, "history": [Epoch.of(row) for row in state["history"]]})
        except Exception as error:  # torch reports damage through many types
            reason = error.reason if isinstance(error, UnreadableError) else type(error).__name__
            raise RunError(f"{path} is damaged ({reason}); delete it to train again from the start") from error
