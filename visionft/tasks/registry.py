"""The tasks by their names; each is imported when it is asked for, part by part: a server needs no torch.

A task is a folder of modules, each with one constant of its own name in capitals:

- `spec.SPEC`: a `TaskSpec`. Free of torch.
- `labels.LABELS`: what the label column holds; see `visionft.data.labels`.
- `answers.ANSWERS`: the graph's outputs and the rows made of them; see `visionft.bundle.answers`. Free of torch.
- `learning.LEARNING`: head, loss, solver and figures; see `visionft.runs.learning`.
- `shipping.SHIPPING`: the end of the ONNX graph, its proof and its card; see `visionft.exporting.shipping`.
- `report.REPORT`, of a task with the stage `queries` or `heads` alone: what a page shows; see
  `visionft.reporting.query_facts` and `visionft.reporting.facts`.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Literal

from visionft.errors import MissingExtraError, UsageError
from visionft.tasks.spec import Stage, TaskSpec

Part = Literal["spec", "labels", "answers", "learning", "shipping"]
SomeHave = Literal["report"]
"""A part that only tasks with its stage have."""

TASKS = {
    "classification": "visionft.tasks.classification",
    "regression": "visionft.tasks.regression",
    "multilabel": "visionft.tasks.multilabel",
    "retrieval": "visionft.tasks.retrieval",
    "hierarchical": "visionft.tasks.hierarchical",
    "multihead": "visionft.tasks.multihead",
}
"""Name -> folder."""
DEFAULT = "classification"
"""That of runs and bundles whose records name none."""


def spec_of(task: str) -> TaskSpec:
    """Return what a task says of itself; KeyError where there is none of this name."""
    spec: TaskSpec = part(task, "spec")
    return spec


def require(task: str, stage: Stage, subject: str, remedy: str) -> None:
    """Refuse what a task does not have.

    Args:
        task: its name.
        stage: what is asked of it.
        subject: what was given, in words: `--precision int8`.
        remedy: what to do instead.

    Raises:
        UsageError: the task lacks it.
    """
    if stage not in spec_of(task).stages:
        raise UsageError(
            f"{subject} has no part in the task {task}, which answers with {spec_of(task).answers}; {remedy}"
        )


def require_installed(task: str) -> None:
    """Refuse to learn a task whose own libraries are not installed; nothing is imported to see it.

    Raises:
        MissingExtraError: the message holds the pip line.
    """
    extra = spec_of(task).extra
    if extra is not None and find_spec(extra[1]) is None:
        raise MissingExtraError(
            f'the task {task} needs {extra[1].replace("_", "-")} to learn: pip install "visionft[{extra[0]}]"'
        )


def suited(names: Sequence[str]) -> list[str]:
    """Return what the tasks say of labels of a manifest that were taken for classes, each with the flag to add."""
    found = [(task, spec_of(task).suits(names)) for task in TASKS if task != DEFAULT]
    return [f"{words}, add --task {task}" for task, words in found if words is not None]


def part(task: str, name: Part | SomeHave) -> Any:
    """Return one part of a task; KeyError where there is none of this name."""
    return getattr(import_module(f"{TASKS[task]}.{name}"), name.upper())
