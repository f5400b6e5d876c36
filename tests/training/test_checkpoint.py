"""The last state of an unfinished training, on disk and back."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from visionft.errors import RunError
from visionft.files import digests
from visionft.runs.history import Epoch
from visionft.training.checkpoint import Checkpoint

ROW = Epoch(1, 1, 5, 0.1, 1.0, 0.9, 0.5, 1.0, 10.0)


def checkpoint() -> Checkpoint:
    network = {"a": torch.arange(4.0), "n": torch.tensor(3)}
    return Checkpoint(7, network, None, {"state": {0: {"step": torch.tensor(7.0)}}}, 8, [ROW], [0.5], scaler={"f": 2.0})


def test_everything_comes_back_bit_for_bit(tmp_path: Path) -> None:
    made = checkpoint()
    made.save(tmp_path / "checkpoint.pt")
    found = Checkpoint.load(tmp_path / "checkpoint.pt")
    assert all(torch.equal(value, found.network[name]) for name, value in made.network.items())
    assert (found.step, found.micro_batch, found.history, found.pending_loss) == (7, 8, [ROW], [0.5])
    assert (found.averaged, found.scaler, found.beside, found.loss) == (None, {"f": 2.0}, {}, {})
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.pt"]


def test_an_older_one_is_read_with_what_it_had(tmp_path: Path) -> None:
    old = {name: getattr(checkpoint(), name) for name in ("step", "network", "averaged", "optimizer", "micro_batch")}
    row = {**vars(ROW), "val_top1": ROW.val_score}
    torch.save(
        {**old, "history": [{name: value for name, value in row.items() if name != "val_score"}]}, tmp_path / "c.pt"
    )
    found = Checkpoint.load(tmp_path / "c.pt")
    assert (found.history, found.pending_loss, found.loss) == ([ROW], [], {})


class Bomb:
    """Makes a folder when it is unpickled."""

    def __init__(self, place: str) -> None:
        self.place = place

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return Path.mkdir, (Path(self.place),)  # type: ignore[return-value]


def test_what_is_damaged_or_holds_code_is_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "c.pt"
    torch.save({"step": Bomb(str(tmp_path / "made"))}, file)
    words = r"c\.pt is damaged \(.+\); delete it to train again from the start$"
    with pytest.raises(RunError, match=words):
        Checkpoint.load(file)
    assert not (tmp_path / "made").exists()
    checkpoint().save(file)
    digests.seal(tmp_path)
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(bytes(data))
    with pytest.raises(RunError, match=r"is damaged \(its digest is not the one in digests\.json\)"):
        Checkpoint.load(file)
    with pytest.raises(RunError, match=r"is damaged \(it is missing\)"):
        Checkpoint.load(tmp_path / "gone.pt")
