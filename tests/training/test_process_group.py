"""Which of several processes this is, by a starter's variables, and processes that do not meet."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest

from tests.joining import Order, free_port, variables
from visionft.cli import main
from visionft.errors import ProcessLostError, UsageError
from visionft.training import process_group
from visionft.training.process_group import is_first, joined, started


def put(patch: pytest.MonkeyPatch, values: dict[str, str]) -> None:
    for name, value in values.items():
        patch.setenv(name, value)


@pytest.mark.parametrize("starter", ["torchrun", "srun"])
@pytest.mark.parametrize("rank", [0, 1])
def test_a_starter_says_which_process_this_is(starter: str, rank: int, monkeypatch: pytest.MonkeyPatch) -> None:
    put(monkeypatch, variables(Order([], "", starter=starter), rank, 29500))
    place = started()
    assert place is not None
    assert (place.rank, place.local_rank, place.world) == (rank, rank, 2)
    assert (place.address, place.port) == ("127.0.0.1", 29500)
    assert starter == "torchrun" or "MASTER_ADDR" not in os.environ
    assert is_first() == (rank == 0)


@pytest.mark.parametrize("values", [{}, {"WORLD_SIZE": "1", "RANK": "0"}, {"SLURM_NTASKS": "4", "SLURM_PROCID": "0"}])
def test_one_process_is_no_part_of_anything(values: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch script of SLURM is one process, however many tasks its job has."""
    put(monkeypatch, values)
    assert started() is None
    assert is_first()
    with joined("cpu") as ranks:
        assert (ranks.rank, ranks.world) == (0, 1)


def test_variables_that_do_not_say_enough_are_named(
    shapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    put(monkeypatch, {"WORLD_SIZE": "2", "RANK": "1"})
    assert main(["fit", str(shapes), "--out", str(tmp_path / "run")]) == 2
    assert capsys.readouterr().err == (
        "visionft: WORLD_SIZE=2 says that this is one of several processes, and LOCAL_RANK, MASTER_ADDR, MASTER_PORT "
        "is not set; start them with torchrun, or unset WORLD_SIZE\n"
    )
    assert not (tmp_path / "run").exists()


def test_slurm_is_asked_for_tasks_a_node(monkeypatch: pytest.MonkeyPatch) -> None:
    put(monkeypatch, variables(Order([], "", starter="srun"), 0, 29500))
    monkeypatch.delenv("SLURM_NTASKS_PER_NODE")
    with pytest.raises(UsageError, match="SLURM_NTASKS_PER_NODE is not set; give --ntasks-per-node"):
        started()


def test_a_process_whose_others_do_not_come_says_where_it_waited(monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    put(monkeypatch, variables(Order([], ""), 0, port))
    monkeypatch.setattr(process_group, "MEETING", timedelta(seconds=1))
    with (
        pytest.raises(ProcessLostError, match=f"the 2 processes of this fit did not meet at 127.0.0.1:{port} "),
        joined("cpu"),
    ):
        pytest.fail("it is alone")
