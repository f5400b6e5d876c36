"""What an evaluation is asked, and where its figures go."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tests.bundle.making import make_bundle
from visionft.errors import RunError, UsageError
from visionft.photos import Account, Quarantined
from visionft.runs import Run, layout
from visionft.workflows import evaluate

module: Any = import_module("visionft.workflows.evaluate")  # the room's attribute of that name is the verb


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained, tmp_path / "run"))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "is a bundle and brings no photos; give labelled ones with --data"),
        ({"data": "p", "split": "test"}, "is a bundle, which has no test photos of its own; leave --split out"),
        ({"data": "p", "retention": "q"}, "is a bundle, which has no start to compare with; give --retention with its"),
    ],
)
def test_what_a_bundle_cannot_do_is_one_sentence(given: dict[str, Any], words: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=words):
        evaluate(make_bundle(tmp_path / "b"), **given)


def test_what_is_wrong_with_the_call_is_said_before_anything_is_opened(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^--data: the path is empty"):
        evaluate(tmp_path / "gone", data="")
    with pytest.raises(RunError, match="there is no run or bundle at"):
        evaluate(tmp_path / "gone")


def test_a_task_without_a_stage_says_so() -> None:
    module._require_stages("classification", ["supplier"], None, "all")
    module._require_stages("regression", [], None, "none")
    for given, words in ((["supplier"], "--slice supplier"), ([], "--pictures all, for a report,")):
        with pytest.raises(UsageError, match=f"^{words} has no part in the task regression"):
            module._require_stages("regression", given, None, "all")


def test_figures_on_fewer_photos_replace_none(run: Path) -> None:
    folder = run / layout.EVALUATION / "test"
    whole = evaluate(run, split="test")
    n = whole.account.measured
    assert module._measured_before(folder) == n
    fewer = replace(whole, account=Account.of(n - 1, (Quarantined("disc/00.jpg", "truncated"),)))
    kept = module._kept(fewer, folder, own=True)
    assert kept.written == folder.with_name("test-partial")
    assert any(f"these are fewer photos than the {n:,} that the figures in" in note for note in kept.notes)
    assert json.loads((folder / "metrics.json").read_text())["n"] == n
    assert module._kept(fewer, folder.with_name("data-x"), own=False).written == folder.with_name("data-x")


def test_figures_that_cannot_be_read_are_none(tmp_path: Path) -> None:
    assert module._measured_before(tmp_path) == 0
    (tmp_path / "metrics.json").write_text('{"n": "many"}')
    assert module._measured_before(tmp_path) == 0
    (tmp_path / "metrics.json").write_text("{")
    assert module._measured_before(tmp_path) == 0


def test_the_test_split_is_measured_once(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "evaluate", lambda *_, **__: pytest.fail("measured again"))
    assert module.evaluate_once(Run.open(run), print) is None
