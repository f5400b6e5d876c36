"""A run taught by another one: the loss, what the teacher sees, that it is learnt, and the resume bit for bit."""

from __future__ import annotations

import json
import math
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional as F

from tests.resealing import reseal
from visionft import backbones
from visionft.backbones import Network, normalise
from visionft.data import Manifest
from visionft.errors import RunError, RunMismatchError, SettingsError, UsageError
from visionft.exporting.bundle_record import provenance
from visionft.machine.stop_signals import Interrupted
from visionft.planning.teacher import Teacher, TeacherOutputs
from visionft.runs import Run, layout
from visionft.settings import DistillationSettings, build
from visionft.training import loop, train
from visionft.training.distillation import Distillation
from visionft.training.state import TrainState

MACHINE = {
    "optim.batch_size": 8, "optim.micro_batch": 4, "hardware.workers": 0, "hardware.precision": "fp32",
    "hardware.threads": 1, "hardware.device": "cpu",
}  # fmt: skip
TEACHER = {"backbone": "test_resnet", "weights": "none", "preprocess.size": 48, "augment.size": 40, "epochs": 4}
STUDENT = {"backbone": "test_efficientnet", "weights": "none", "preprocess.size": 32, "augment.size": 32, "epochs": 2}


def silent(line: str) -> None:
    pass


@pytest.fixture(scope="module")
def teacher_run(shapes: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Return a run that teaches, which no test may change."""
    out = tmp_path_factory.mktemp("teacher_run") / "teacher_run"
    return train(build(shapes, None, out=out, **MACHINE, **TEACHER), silent)


@pytest.fixture
def learn(shapes: Path, teacher_run: Run, tmp_path: Path) -> Callable[..., Run]:
    """Return a maker of students."""

    def fit(say: Any = silent, **flags: Any) -> Run:
        wanted = {**MACHINE, **STUDENT, "out": tmp_path / "student", "distill": teacher_run.path, **flags}
        return train(build(shapes, None, **wanted), say)

    return fit


def distillation(teacher_run: Run, student: Network, **settings: Any) -> Distillation:
    teacher = Teacher(teacher_run, teacher_run.classes)
    return Distillation(teacher, student, DistillationSettings(**settings), teacher_run.preprocess, teacher.size, 0)


def views(n: int = 6, side: int = 40) -> Tensor:
    return torch.from_numpy(np.random.default_rng(0).integers(0, 256, (n, side, side, 3), dtype=np.uint8))


# The loss.


def test_a_copy_of_the_teacher_has_nothing_to_learn_from_it(teacher_run: Run) -> None:
    student = teacher_run.network()
    found = distillation(teacher_run, student, truth=0.0)
    x = normalise(views(), teacher_run.preprocess, "cpu")

    loss = found(*student.answer(found.student_view(x)), found.outputs(x, torch.arange(6)), torch.tensor(7.0))
    loss.backward()

    assert abs(float(loss.detach())) < 1e-4
    gradients = [parameter.grad for parameter in student.parameters() if parameter.grad is not None]
    assert gradients
    assert max(float(gradient.abs().max()) for gradient in gradients) < 1e-3


def test_the_three_parts_add_up(teacher_run: Run) -> None:
    torch.manual_seed(1)
    student, t = teacher_run.network(), 3.0
    logits, features = torch.randn(6, 3), torch.randn(6, student.features)
    lesson = TeacherOutputs(torch.randn(6, 3), torch.randn(6, student.features))
    found = distillation(teacher_run, student, truth=0.25, temperature=t, features=0.5)

    p, q = (lesson.logits / t).softmax(1), (logits / t).softmax(1)
    told = t * t * (p * (p.log() - q.log())).sum()
    apart = (1 - F.cosine_similarity(features, lesson.features)).sum()
    expected = 0.25 * 5.0 + 0.75 * told + 0.5 * apart
    torch.testing.assert_close(found(logits, features, lesson, torch.tensor(5.0)), expected)


def test_the_labels_alone_are_the_plain_loss(teacher_run: Run) -> None:
    found = distillation(teacher_run, teacher_run.network(), truth=1.0, features=0.0)
    lesson = TeacherOutputs(torch.randn(6, 3), torch.randn(6, 64))
    assert float(found(torch.randn(6, 3), torch.randn(6, 64), lesson, torch.tensor(5.0))) == 5.0


def test_at_high_temperatures_centred_logits_are_matched(teacher_run: Run) -> None:
    """Hinton, Vinyals and Dean, section 2.1: T^2 KL tends to half the mean squared difference of centred logits."""
    logits, told = torch.randn(6, 3), torch.randn(6, 3)
    found = distillation(teacher_run, teacher_run.network(), truth=0.0, features=0.0, temperature=100.0)

    loss = found(logits, torch.randn(6, 64), TeacherOutputs(told, torch.randn(6, 64)), torch.tensor(5.0))

    centred = (logits - logits.mean(1, keepdim=True)) - (told - told.mean(1, keepdim=True))
    assert math.isclose(float(loss), float(0.5 * centred.square().mean(1).sum()), rel_tol=0.05)


def test_a_projection_is_there_where_widths_differ_alone(teacher_run: Run) -> None:
    assert not list(distillation(teacher_run, teacher_run.network()).parameters())
    narrow = backbones.create("test_efficientnet", "none", 3, size=32)
    assert narrow.features != teacher_run.network().features
    assert [p.shape for p in distillation(teacher_run, narrow).parameters()] == [
        (teacher_run.network().features, narrow.features),
        (teacher_run.network().features,),
    ]
    assert not list(distillation(teacher_run, narrow, features=0.0).parameters())


# Whole runs.


def answers(run: Run, teacher_run: Run, photos: Manifest) -> float:
    """Return how far a run's answers are from the teacher's on validation photos: mean KL."""
    from visionft.data import EvalPhotos, eval_batches

    rows, found = photos.rows("validation"), []
    for each in (run, teacher_run):
        batches = eval_batches(EvalPhotos(rows, photos.root, each.preprocess), 64)
        found.append(backbones.forward_batches(each.network(), batches, each.preprocess, device="cpu")["logits"])
    ours, theirs = (F.log_softmax(torch.from_numpy(logits), 1) for logits in found)
    return float(F.kl_div(ours, theirs, reduction="batchmean", log_target=True))


@pytest.mark.slow
def test_a_student_comes_closer_to_its_teacher_than_labels_alone_bring_it(
    learn: Callable[..., Run], teacher_run: Run, tmp_path: Path
) -> None:
    flags = {"epochs": 12, "optim.lr": 5e-3, "optim.head_lr": 5e-3, "optim.ema": 0}
    taught = learn(out=tmp_path / "taught", **flags, **{"distillation.truth": 0.0})
    alone = learn(out=tmp_path / "alone", **{**flags, "distill": None})

    photos = teacher_run.manifest()
    assert answers(taught, teacher_run, photos) < 0.8 * answers(alone, teacher_run, photos)


def test_the_teacher_stays_and_the_projection_does_not_travel(learn: Callable[..., Run], teacher_run: Run) -> None:
    before = load_file(teacher_run.path / layout.WEIGHTS)
    told: list[str] = []
    run = learn(say=told.append)

    assert all(
        torch.equal(before[name], tensor) for name, tensor in load_file(teacher_run.path / layout.WEIGHTS).items()
    )
    assert set(load_file(run.path / layout.WEIGHTS)) == set(run.network().state_dict())
    assert f"teacher: {teacher_run}; it sees the same views, at 40 pixels" in told
    assert f"photos that {teacher_run.path} had keep their sides, unless the new ones bring splits of their own" in told
    assert run.teacher is not None
    assert (run.teacher["path"], run.origin) == (str(teacher_run.path), None)
    kept = provenance(run, "0")
    assert kept["teacher"]["path"] == "teacher_run"  # type: ignore[index, call-overload]
    assert str(teacher_run.path) not in json.dumps(kept)


@pytest.mark.parametrize(("strength", "mixup"), [("light", 0.4), ("none", 0.0)])
def test_an_interrupted_student_resumes_bit_for_bit(
    learn: Callable[..., Run],
    teacher_run: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    strength: str,
    mixup: float,
) -> None:
    flags = {"augment.strength": strength, "augment.mixup": mixup}
    whole = learn(out=tmp_path / "whole", **flags)
    moved = Run(Path(shutil.copytree(teacher_run.path, tmp_path / "moved")))
    step = loop.optimizer_step

    def interrupting(state: TrainState, *words: Any) -> None:
        step(state, *words)
        if state.step == 6:
            signal.raise_signal(signal.SIGINT)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "optimizer_step", interrupting)
        with pytest.raises(Interrupted):
            learn(**flags)
    beside = torch.load(tmp_path / "student" / layout.CHECKPOINT, weights_only=True)["beside"]
    assert set(beside) == {"projection.weight", "projection.bias"}

    resumed = learn(distill=moved.path, **flags)  # wherever it is now
    a, b = load_file(whole.path / layout.WEIGHTS), load_file(resumed.path / layout.WEIGHTS)
    assert all(torch.equal(a[name], b[name]) for name in a)


def test_views_that_never_change_are_answered_once(learn: Callable[..., Run], monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    outputs = Teacher.outputs

    def counting(teacher: Teacher, x: Tensor, *words: Any) -> TeacherOutputs:
        if teacher._remembered is None:
            asked.append(len(x))
        return outputs(teacher, x, *words)

    monkeypatch.setattr(Teacher, "outputs", counting)
    run = learn(epochs=3, **{"augment.strength": "none"})
    assert sum(asked) == len(run.manifest().rows("train"))


# Refusals.


def test_a_teacher_that_lacks_a_class_is_refused(shapes: Path, teacher_run: Run, tmp_path: Path) -> None:
    root = Path(shutil.copytree(shapes, tmp_path / "more"))
    shutil.copytree(shapes / "disc", root / "ring")
    flags = {**MACHINE, **STUDENT, "out": tmp_path / "run", "distill": teacher_run.path}
    with pytest.raises(
        UsageError, match=r"--distill: .*teacher_run does not know the class 'ring'; give a run that was"
    ):
        train(build(root, None, **flags), silent)
    assert not (tmp_path / "run").exists()


def test_what_cannot_teach_is_refused(learn: Callable[..., Run], teacher_run: Run, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="nowhere"):
        learn(distill=tmp_path / "nowhere")
    with pytest.raises(UsageError, match=r"--distill and --out are both .*; give another --out"):
        learn(out=teacher_run.path)
    with pytest.raises(
        SettingsError, match=r"distill: .*teacher_run teaches in epochs, and there are none; .*--method full"
    ):
        learn(method="head")
    with pytest.raises(SettingsError, match=r"teaches in epochs, and there are none; leave it out, or give --epochs"):
        learn(epochs=0)
    learn(method={"name": "head", "solver": "epochs"}, out=tmp_path / "by-epochs")


def test_another_teacher_is_another_run(learn: Callable[..., Run], teacher_run: Run, tmp_path: Path) -> None:
    learn()
    other = Path(shutil.copytree(teacher_run.path, tmp_path / "other"))
    (other / layout.WEIGHTS).write_bytes((other / layout.WEIGHTS).read_bytes()[:-4] + b"\0\0\0\0")
    reseal(other)
    with pytest.raises(RunMismatchError, match=r"distill was .*teacher_run, is .*other"):
        learn(distill=other)
