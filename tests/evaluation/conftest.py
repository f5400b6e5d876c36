"""A run, and what it makes of the photos that were set aside."""

from __future__ import annotations

from pathlib import Path

import pytest

from visionft.evaluation import Evaluation, evaluate_run
from visionft.runs import Run


@pytest.fixture(scope="package")
def run(trained: Path) -> Run:
    return Run.open(trained)


@pytest.fixture(scope="package")
def evaluation(run: Run) -> Evaluation:
    return evaluate_run(run, None, "test")
