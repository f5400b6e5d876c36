"""A finished run as a teacher: what it sees of a student's views, and what it says of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from visionft.backbones import normalise
from visionft.classes import Classes
from visionft.errors import UsageError
from visionft.planning.teacher import Teacher, open_teacher, resized
from visionft.runs import Run


@pytest.fixture
def teacher_run(trained: Path) -> Run:
    return open_teacher(trained)


def views(n: int = 6, side: int = 32) -> Tensor:
    return torch.from_numpy(np.random.default_rng(0).integers(0, 256, (n, side, side, 3), dtype=np.uint8))


def test_the_teacher_sees_the_same_views_under_its_own_normalisation(teacher_run: Run) -> None:
    teacher, pixels = Teacher(teacher_run, teacher_run.classes), views()
    other = replace(teacher_run.preprocess, mean=(0.2, 0.3, 0.4), std=(0.5, 0.6, 0.7))

    found = teacher.outputs(normalise(pixels, other, "cpu"), other, torch.arange(6))

    with torch.no_grad():
        logits, features = teacher_run.network().answer(normalise(pixels, teacher_run.preprocess, "cpu"))
    torch.testing.assert_close(found.logits, logits, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(found.features, features, rtol=1e-4, atol=1e-4)


def test_larger_views_are_shrunk_for_it(teacher_run: Run) -> None:
    teacher, x = Teacher(teacher_run, teacher_run.classes), normalise(views(side=64), teacher_run.preprocess, "cpu")
    found = teacher.outputs(x, teacher_run.preprocess, torch.arange(6))
    with torch.no_grad():
        expected = teacher_run.network()(resized(x, (32, 32)))
    torch.testing.assert_close(found.logits, expected, rtol=1e-4, atol=1e-4)


def test_its_answers_are_those_to_the_student_s_classes(teacher_run: Run) -> None:
    x = normalise(views(), teacher_run.preprocess, "cpu")
    whole = Teacher(teacher_run, teacher_run.classes).outputs(x, teacher_run.preprocess, torch.arange(6)).logits
    names = list(teacher_run.classes)
    part = (
        Teacher(teacher_run, Classes((names[0], names[2]))).outputs(x, teacher_run.preprocess, torch.arange(6)).logits
    )
    torch.testing.assert_close(part, whole[:, [0, 2]])


def test_remembered_answers_are_those_that_it_would_give(teacher_run: Run) -> None:
    teacher, pixels = Teacher(teacher_run, teacher_run.classes), views()
    x, indices = normalise(pixels, teacher_run.preprocess, "cpu"), torch.tensor([4, 0, 4])
    live = teacher.outputs(x[indices], teacher_run.preprocess, indices)
    batches = [(pixels[i : i + 4], torch.zeros(0), torch.arange(6)[i : i + 4]) for i in (0, 4)]

    teacher.remember(batches, teacher_run.preprocess, torch.device("cpu"))
    teacher.network = None  # type: ignore[assignment]  # it is not asked any more

    kept = teacher.outputs(x[indices], teacher_run.preprocess, indices)
    torch.testing.assert_close(kept.logits, live.logits, rtol=1e-2, atol=2e-2)  # bf16 where the processor has it
    torch.testing.assert_close(kept.features, live.features, rtol=2e-2, atol=2e-2)
    assert Teacher(teacher_run, teacher_run.classes).fits_memory(1_000_000)
    assert not Teacher(teacher_run, teacher_run.classes).fits_memory(100_000_000)


def test_a_class_that_it_lacks_is_refused_with_how_many_more(teacher_run: Run) -> None:
    names = tuple(teacher_run.classes)
    with pytest.raises(UsageError, match=r"^--distill: .* does not know the class 'ring'; give a run that was trained"):
        Teacher(teacher_run, Classes.of([*names, "ring"]))
    with pytest.raises(UsageError, match=r"does not know the class 'oval' and 1 more; give a run"):
        Teacher(teacher_run, Classes.of([*names, "oval", "ring"]))


def test_a_student_of_another_shape_is_refused(teacher_run: Run) -> None:
    teacher = Teacher(teacher_run, teacher_run.classes)
    teacher.require_shape((96, 96))
    with pytest.raises(UsageError, match=r"sees 32 x 32 pixels and this run 24 x 32, another shape; give --preprocess"):
        teacher.require_shape((24, 32))


def test_it_is_frozen(teacher_run: Run) -> None:
    teacher = Teacher(teacher_run, teacher_run.classes)
    assert not [name for name, weight in teacher.network.named_parameters() if weight.requires_grad]


def test_views_of_its_size_are_not_touched_and_a_flat_one_stays_flat() -> None:
    x = torch.full((2, 3, 8, 8), 0.25)
    assert resized(x, (8, 8)) is x
    torch.testing.assert_close(resized(x, (5, 3)), torch.full((2, 3, 5, 3), 0.25))
