"""What is put in comes out: values, arithmetic and memory order, from memory and from a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from visionft.errors import DiskSpaceError
from visionft.training import activation_store
from visionft.training.activation_store import ActivationStore

LABELS = np.array([2, 0, 1, 2])


def maps() -> Tensor:
    return torch.randn(4, 5, 3, 2).contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("room", [0, 10**9])
@pytest.mark.parametrize("activations", [torch.randn(4, 7), torch.randn(4, 6, 3).bfloat16(), maps()])
def test_what_is_put_in_comes_out(
    activations: Tensor, room: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(activation_store, "IN_MEMORY", room)
    store = ActivationStore(2, LABELS, activations[:1], tmp_path)
    assert store.in_memory == bool(room)
    assert store.bytes == 2 * activations.numel() * activations.element_size()
    store.put(0, torch.arange(4), activations)
    store.put(1, torch.tensor([3, 1]), -activations[[3, 1]])

    found, labels, indices = store.batch([(0, 3), (0, 1)])
    assert torch.equal(found, activations[[3, 1]])
    assert found.dtype == activations.dtype
    assert found.stride() == activations[[3, 1]].stride()
    assert (labels.tolist(), indices.tolist()) == ([2, 0], [3, 1])
    assert torch.equal(store.batch([(1, 1)])[0], -activations[[1]])


def test_a_file_has_no_name_that_a_crash_could_leave(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(activation_store, "IN_MEMORY", 0)
    store = ActivationStore(1, LABELS, torch.zeros(1, 3), tmp_path)
    store.put(0, torch.arange(4), torch.ones(4, 3))
    assert list(tmp_path.iterdir()) == []
    assert store.batch([(0, 2)])[0].sum() == 3


def test_a_disk_without_room_is_said(tmp_path: Path) -> None:
    with pytest.raises(
        DiskSpaceError, match=r"MB free, remembering what a frozen part answers needs \d+ MB; make room"
    ):
        ActivationStore(10**6, LABELS, torch.zeros(1).expand(10**9)[None], tmp_path)
