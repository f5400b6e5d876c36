"""Every task is whole, and nobody outside its folder knows it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from visionft.errors import SettingsError, UsageError
from visionft.settings import build
from visionft.tasks import registry
from visionft.tasks.registry import DEFAULT, TASKS, Part, require, spec_of

PACKAGE = Path(registry.__file__).parents[1]


def test_every_task_has_every_part() -> None:
    assert len(TASKS) == 6
    for task in TASKS:
        assert spec_of(task).name == task
        assert all(registry.part(task, name) is not None for name in get_args(Part))


def test_no_file_outside_its_folder_names_a_task_but_the_first() -> None:
    others = [name for name in TASKS if name != DEFAULT]
    word = re.compile(rf"\b({'|'.join(others)})\b", re.IGNORECASE)
    files = [path for path in PACKAGE.rglob("*.py") if "tasks" not in path.relative_to(PACKAGE).parts]
    assert len(files) > 300
    # "logistic regression" and "ridge regression" are ways to solve, and no task.
    named = {path.name for path in files if word.search(re.sub(r"(logistic|ridge) regression", "", path.read_text()))}
    assert named == set()


def test_answers_of_every_task_need_no_torch() -> None:
    asked = "; ".join(f"registry.part({task!r}, 'answers'); registry.part({task!r}, 'spec')" for task in TASKS)
    code = f"import sys; from visionft.tasks import registry; {asked}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_wrong_task_is_one_sentence() -> None:
    with pytest.raises(SettingsError, match="--task: there is no regresion; did you mean 'regression'"):
        build("photos", task="regresion")


def test_a_loss_of_another_task_is_one_sentence() -> None:
    with pytest.raises(SettingsError, match="--loss: the task classification has no l1; give one of cross_entropy"):
        build("photos", loss="l1")


def test_what_a_task_lacks_is_refused() -> None:
    require(DEFAULT, "blend", "blend", "do not")
    with pytest.raises(UsageError, match="blend has no part in the task regression, which answers with numbers; stop"):
        require("regression", "blend", "blend", "stop")
