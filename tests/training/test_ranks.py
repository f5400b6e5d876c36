"""Several processes train one run: the figures of one, whatever becomes of any of them."""

from __future__ import annotations

import csv
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.joining import Joining, Order, joining
from visionft.data import permutation
from visionft.runs import layout
from visionft.training.checkpoint import Checkpoint
from visionft.training.ranks import ALONE, Ranks

FLAGS = {
    "backbone": "visionft_pico", "epochs": "2", "preprocess.size": "32", "augment.size": "32",
    "optim.batch-size": "8", "optim.micro-batch": "4", "optim.lr": "0.001", "optim.norm-statistics": "frozen",
    "hardware.device": "cpu", "hardware.precision": "fp32", "hardware.workers": "0", "hardware.threads": "1",
}  # fmt: skip
STEPS, EPOCH = 10, 5  # of 40 photos in batches of 8
# A pass has 4 photos in one process and in two: Adam divides a gradient by its own size, so that one that is next to
# nothing and rounded otherwise moves its weight all the same. One process in passes of 8 and 4 differs by 1e-3.
LOST = "another of the 2 processes of this fit has ended or cannot be reached"


@dataclass(frozen=True)
class Fitted:
    """What processes left that were started together.

    Attributes:
        out: the run's folder.
        codes: exit codes by rank; none: it had to be killed.
        log: folder of what they said.
    """

    out: Path
    codes: list[int | None]
    log: Path

    def said(self, rank: int, name: str = "out") -> str:
        return (self.log / f"{rank}.{name}").read_text()

    def losses(self) -> list[float]:
        """Return the loss of each step, of the whole batch; all processes have the same, and the same weights."""
        steps = [self.log / f"losses-{rank}" for rank in range(len(self.codes))]
        assert len({file.read_text() for file in steps}) == 1
        return [float(line.split()[0]) for line in steps[0].read_text().splitlines()]

    def labels(self) -> list[str]:
        with (self.out / layout.EVALUATION / "test" / "predictions.csv").open() as file:
            return [row["label"] for row in csv.DictReader(file)]

    def weights(self) -> bytes:
        return (self.out / layout.WEIGHTS).read_bytes()


Fit = Callable[..., Fitted]


def environment() -> dict[str, str]:
    """Return where processes find the package and the tests."""
    paths = [*filter(None, sys.path), str(Path(__file__).resolve().parents[2])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="module")
def starter() -> Iterator[Joining]:
    with joining(environment()) as started:
        yield started


def fitter(starter: Joining, shapes: Path, folder: Path) -> Fit:
    """Return what fits photos in `world` processes into a folder by name; the words after these are Order's."""

    def call(
        name: str, world: int = 2, more: dict[str, str] | None = None, photos: Path = shapes, **order: Any
    ) -> Fitted:
        flags = {**({} if "backbone" in (more or {}) else FLAGS), **(more or {}), "out": str(folder / name)}
        spelt = [word for flag, value in flags.items() for word in (f"--{flag}", value)]
        log = Path(tempfile.mkdtemp(prefix=f"{name}-log-", dir=folder))
        codes = starter(Order(["fit", str(photos), *spelt], str(log), world, **order))
        return Fitted(folder / name, codes, log)

    return call


@pytest.fixture
def fit(starter: Joining, shapes: Path, tmp_path: Path) -> Fit:
    return fitter(starter, shapes, tmp_path)


@pytest.fixture(scope="module")
def wholes(starter: Joining, shapes: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[int, Fitted]:
    """Return the run of one process and that of two, which nothing disturbed."""
    plain = fitter(starter, shapes, tmp_path_factory.mktemp("wholes"))
    return {1: plain("one", 1), 2: plain("two", 2)}


# Arithmetic


@pytest.mark.parametrize(("n", "world"), [(8, 2), (8, 3), (2, 3), (0, 2), (1, 1), (61, 7)])
def test_shares_cover_all_photos_once_and_differ_by_one(n: int, world: int) -> None:
    shares = [list(range(n))[Ranks(rank, world).share(n)] for rank in range(world)]
    assert [photo for share in shares for photo in share] == list(range(n))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_one_process_exchanges_nothing() -> None:
    tensor, parameter = torch.ones(3), torch.nn.Parameter(torch.ones(2))
    assert ALONE.add(tensor) is tensor
    assert ALONE.gathered(tensor, 3) is tensor
    ALONE.add_gradients([parameter], tensor)
    ALONE.spread(tensor)
    assert parameter.grad is None
    assert (ALONE.most(3, 1), ALONE.sum(4), ALONE.any(False)) == ([3, 1], 4, False)


# Figures


PHASES = "[{epochs: 2, unfreeze: 0.3}, {epochs: 1, unfreeze: 1.0, lr: 0.001}]"
ALIKE = {
    "drawn by class": {"data.sampling": "balanced", "epochs": "1"},
    "mixed": {"augment.mixup": "0.4", "augment.cutmix": "1.0", "epochs": "1"},
    "qlora": {
        **FLAGS, "backbone": "test_vit", "weights": "none", "preprocess.size": "none", "augment.size": "160",
        "method": "qlora", "epochs": "1",
    },
    "gradual": {
        "method": "gradual", "method.phases": PHASES, "epochs": "auto", "augment.views": "1", "optim.l2-sp": "0.1",
    },
}  # fmt: skip


def test_two_processes_reach_the_figures_of_one(wholes: dict[int, Fitted]) -> None:
    one, two = wholes[1], wholes[2]
    require_alike(one, two)
    assert len(one.losses()) == STEPS
    assert len(set(two.labels())) > 1
    assert (two.said(1), two.said(0, "err"), two.said(1, "err")) == ("", "", "")
    assert "2 processes share each batch of 8 photos, and the validation photos" in two.said(0)
    assert two.said(0).count("Next: visionft export") == 1
    assert {entry.name for entry in two.out.iterdir()} == layout.FINISHED | layout.REPORTED | {layout.EVALUATION}


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted(ALIKE))
def test_so_they_do_by_each_way_that_shares_more_than_gradients(fit: Fit, kind: str) -> None:
    two = fit("two", 2, ALIKE[kind])
    # what a frozen part answers is computed in passes of other sizes
    require_alike(fit("one", 1, ALIKE[kind]), two, 1e-3 if kind == "gradual" else 1e-5)
    assert ("ran once for 1 view of 40 photos" in two.said(0)) == (kind == "gradual")


def require_alike(one: Fitted, two: Fitted, apart: float = 1e-5) -> None:
    assert (one.codes, two.codes) == ([0], [0, 0]), two.said(0, "err")
    assert two.losses() == pytest.approx(one.losses(), abs=apart)
    assert two.labels() == one.labels()


@pytest.mark.slow
def test_photos_that_are_fewer_than_the_processes_are_trained_on_all_the_same(fit: Fit) -> None:
    flags = {"optim.batch-size": "2", "optim.norm-statistics": "batch", "epochs": "1"}
    three = fit("three", 3, flags)
    assert three.codes == [0, 0, 0], three.said(0, "err")
    assert len(three.losses()) == 20


# What becomes of a run whose processes do not reach its end


@pytest.mark.slow
def test_two_processes_that_are_killed_go_on_to_the_same_bits(fit: Fit, wholes: dict[int, Fitted]) -> None:
    kills = [(0, 7, signal.SIGKILL), (1, 7, signal.SIGKILL)]
    assert fit("two", signals=kills).codes == [-signal.SIGKILL] * 2
    again = fit("two")
    assert again.codes == [0, 0], again.said(0, "err")
    assert "going on with the unfinished run" in again.said(0)
    assert again.weights() == wholes[2].weights()


@pytest.mark.slow
@pytest.mark.parametrize(("rank", "step"), [(0, EPOCH), (1, 3)])
def test_a_signal_to_one_stops_both_after_the_same_step(
    fit: Fit, wholes: dict[int, Fitted], rank: int, step: int
) -> None:
    stopped = fit("two", signals=[(rank, step, signal.SIGTERM)])
    assert stopped.codes == [143, 143]
    assert stopped.said(0, "err") == f"visionft: interrupted; the same command goes on with {stopped.out}\n"
    assert stopped.said(1, "err") == ""
    assert Checkpoint.load(stopped.out / layout.CHECKPOINT).step == step
    assert fit("two").weights() == wholes[2].weights()


@pytest.mark.slow
@pytest.mark.parametrize("rank", [0, 1])
def test_one_that_dies_ends_the_other_with_a_sentence(fit: Fit, wholes: dict[int, Fitted], rank: int) -> None:
    dead = fit("two", signals=[(rank, 3, signal.SIGKILL)])
    assert (dead.codes[rank], dead.codes[1 - rank]) == (-signal.SIGKILL, 1)
    assert dead.said(1 - rank, "err").startswith(f"visionft: {LOST} (")
    assert dead.said(1 - rank, "err").count("\n") == 1
    # the first process writes what it has; its last checkpoint is from the start
    assert Checkpoint.load(dead.out / layout.CHECKPOINT).step == (3 if rank else 0)
    again = fit("two")
    assert again.codes == [0, 0]
    assert again.weights() == wholes[2].weights()


@pytest.mark.slow
@pytest.mark.parametrize(("before", "after"), [(1, 2), (2, 1)])
def test_a_run_is_finished_by_another_number_of_processes(
    fit: Fit, wholes: dict[int, Fitted], before: int, after: int
) -> None:
    stopped = fit("run", before, signals=[(0, 7, signal.SIGINT)])
    assert stopped.codes == [130] * before
    finished = fit("run", after)
    assert finished.codes == [0] * after, finished.said(0, "err")
    whole = wholes[1]
    assert [*stopped.losses(), *finished.losses()] == pytest.approx(whole.losses(), abs=1e-5)
    assert finished.labels() == whole.labels()


@pytest.mark.slow
def test_a_photo_that_is_gone_is_said_by_the_process_that_missed_it(fit: Fit, shapes: Path, tmp_path: Path) -> None:
    photos = Path(shutil.copytree(shapes, tmp_path / "photos"))
    first = fit("first", 1, {"epochs": "1"}, photos)
    with (first.out / layout.SPLITS).open() as file:
        train = [row["path"] for row in csv.DictReader(file) if row["split"] == "train"]
    gone = train[permutation(0, 0, len(train))[4 * 8 + 6]]  # of the second process, in the fifth batch
    broken = fit("two", 2, {"data.cache": "none"}, photos, photo=str(photos / gone))
    assert broken.codes == [1, 1]
    assert f"{gone} cannot be read any more" in broken.said(1, "err")
    assert broken.said(0, "err").startswith(f"visionft: {LOST} (")


# Starters, and what the first process does alone


@pytest.mark.slow
def test_srun_starts_them_as_well(fit: Fit, wholes: dict[int, Fitted]) -> None:
    under_slurm = fit("slurm", starter="srun")
    assert under_slurm.codes == [0, 0], under_slurm.said(0, "err")
    assert under_slurm.weights() == wholes[2].weights()


@pytest.mark.slow
def test_torchrun_itself_starts_them(wholes: dict[int, Fitted], shapes: Path, tmp_path: Path) -> None:
    spelt = [word for flag, value in FLAGS.items() for word in (f"--{flag}", value)]
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "visionft"]
    command = [*launch, "fit", str(shapes), "--out", str(tmp_path / "two"), *spelt]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(), check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Next: visionft export") == 1
    assert (tmp_path / "two" / layout.WEIGHTS).read_bytes() == wholes[2].weights()


@pytest.mark.slow
def test_what_the_first_process_refuses_ends_the_others_without_a_word(fit: Fit, tmp_path: Path) -> None:
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / "mine.txt").write_text("mine")
    refused = fit("two")
    assert refused.codes == [1, 1]
    assert refused.said(0, "err").startswith(f"visionft: {tmp_path / 'two'} holds other files (mine.txt)")
    assert [refused.said(1, name) for name in ("out", "err")] == ["", ""]
    assert [file.name for file in (tmp_path / "two").iterdir()] == ["mine.txt"]


@pytest.mark.slow
def test_a_head_that_is_solved_needs_one_process_and_a_finished_run_none(fit: Fit) -> None:
    head = {"backbone": "visionft_pico", "method": "head", "preprocess.size": "32", "hardware.device": "cpu"}
    solved, again = fit("head", 2, head), fit("head", 2, head)
    assert solved.codes == again.codes == [0, 0], solved.said(0, "err")
    assert "nothing is trained by epochs: the first of the 2 processes works alone" in solved.said(0)
    assert "is finished already" in again.said(0)
    assert fit("alone", 1, head).weights() == solved.weights()


@pytest.mark.slow
def test_early_stopping_ends_all_after_the_same_epoch(fit: Fit) -> None:
    flags = {"epochs": "12", "optim.patience": "1", "optim.lr": "0.03"}
    one, two = fit("one", 1, flags), fit("two", 2, flags)
    assert (one.codes, two.codes) == ([0], [0, 0])
    assert len(two.losses()) == len(one.losses()) < 12 * EPOCH
