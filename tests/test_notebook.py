"""What shows itself in a notebook: names from outside are text there, never markup."""

from __future__ import annotations

import ast
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import visionft
from tests.bundle.making import make_bundle
from visionft.advising import Advice, Forecast
from visionft.advising.first_look import FirstLook
from visionft.advising.forecast_table import Fit
from visionft.advising.method_costs import Row
from visionft.advising.recommendation import Recommendation
from visionft.auditing import Audit
from visionft.bundle import Bundle, Prediction, Predictions, Unanswered
from visionft.classes import Classes
from visionft.data import Rows
from visionft.evaluation import BeforeAfter, Evaluation, Retention, SideBySide
from visionft.evaluation.before_after import Change
from visionft.evaluation.evaluation import Measured
from visionft.exporting import Exported
from visionft.machine.gpu_cards import Card
from visionft.metrics import Metrics, evaluate_logits
from visionft.photos import Account
from visionft.runs import Run, RunList
from visionft.searching import Duplicates, Found, Hit, Indexed, LookAlike, Matches
from visionft.serving import Comparison, compare
from visionft.sharing import Pushed
from visionft.sweeping import DrawRow, SweepResult, TrialRow
from visionft.sweeping.sweep_result import DONE, FAILED
from visionft.tasks.hierarchical.sure_level import LevelPostprocess
from visionft.tasks.hierarchical.taxonomy_figures import TaxonomyFigures, taxonomy_figures
from visionft.tasks.hierarchical.taxonomy_tree import Tree
from visionft.tasks.multihead.head_figures import HeadsFigures, heads_figures
from visionft.tasks.multihead.head_layout import Heads
from visionft.tasks.multihead.head_temperatures import HeadPostprocess
from visionft.tasks.multilabel.label_figures import LabelFigures, label_figures
from visionft.tasks.registry import spec_of
from visionft.wording.shown_table import Table

EVIL = "<img src=x onerror=alert(1)>"
TAGS = "br table caption tr th td p b pre details summary"


def metrics() -> Metrics:
    return evaluate_logits(np.eye(2, dtype=np.float32), np.array([0, 1]), [EVIL, "b"])


def retention() -> Retention:
    return Retention(EVIL, "0", 3, 3, 1, 0.5, 0.5, {"forgotten": None}, trained=True)


def evaluation(_: Path, __: Path) -> Evaluation:
    names = np.array([EVIL, "b"], dtype=object)
    rows = Rows(names, np.array([0, 1]), names)
    measured = Measured(EVIL, rows, Path(EVIL), Account(2, 2), (), (EVIL,))
    found = Evaluation.of(Path(EVIL), measured, Classes.of([EVIL, "b"]), np.eye(2, dtype=np.float32))
    return replace(found, retention=retention())


def predictions(_: Path, __: Path) -> Predictions:
    answer = Prediction(EVIL, EVIL, 0, 0.75, np.array([0.75, 0.25], np.float32), False, 0.0)
    return Predictions((answer, Unanswered(EVIL, EVIL)), (EVIL, "b"))


def run(folder: Path, trained: Path) -> Run:
    return Run.open(shutil.copytree(trained, folder / EVIL))


def run_list(folder: Path, trained: Path) -> RunList:
    shutil.copytree(trained, folder / EVIL)
    return visionft.list_runs(folder)


def bundle(folder: Path, _: Path) -> Bundle:
    return Bundle.open(make_bundle(folder / EVIL))


def comparison(folder: Path, _: Path) -> Comparison:
    (folder / "photos").mkdir()
    Image.new("RGB", (4, 4)).save(folder / "photos" / f"{EVIL}.png")
    (folder / "photos" / f"{EVIL}.jpg").touch()
    return compare(make_bundle(folder / "a"), make_bundle(folder / "b"), folder / "photos")


def side_by_side(_: Path, __: Path) -> SideBySide:
    names, sure = np.array([EVIL], object), np.full((2, 1), 0.5)
    return SideBySide(
        (Path(EVIL), Path("b")), (False, True), EVIL, Path(), (EVIL,), ("0",), names, np.array([[EVIL], ["b"]], object),
        sure, sure, (EVIL,),
    )  # fmt: skip


def before_after(_: Path, __: Path) -> BeforeAfter:
    return BeforeAfter(Path(EVIL), Path(EVIL), EVIL, 1, 0.5, 0.5, (Change(EVIL, EVIL, 1, 0.5, 0.5),))


def forecast(_: Path, __: Path) -> Forecast:
    fits = (Fit("full", None, {8: 1}, 8, None, 1, {EVIL: 1.0}, 1), Fit("lora", EVIL))
    return Forecast(Card(EVIL, 1e9), (), EVIL, 8, "bf16", 8, 1.0, 0.1, 1.0, fits)


def advice(_: Path, __: Path) -> Advice:
    look = FirstLook(EVIL, EVIL, "cpu", 2, 4, 2.0, 4, 1, 0.5, 0.5, 1.0, 1.0, 1, 1, 1, 1)
    rows = (Row("head"), Row("full", refusal=EVIL))
    return Advice(look, rows, Recommendation("head", EVIL), 1, 9.0)


def exported(_: Path, __: Path) -> Exported:
    return Exported(Path(EVIL), 1.0, 0.0, 3, (), 20, 1.0, None, (EVIL,), (EVIL,))


def audit(_: Path, __: Path) -> Audit:
    overview: Any = None  # how the photos are read is not shown
    return Audit(Path(EVIL), overview, Path(EVIL), (), (), verdict=EVIL)


def found(_: Path, __: Path) -> Found:
    hit = Hit(EVIL, 1.0, EVIL, EVIL)
    return Found(Path(EVIL), (Matches(EVIL, (hit,), 1.0, known=True), Matches(EVIL, problem=EVIL)), 0.5, notes=(EVIL,))


def duplicates(_: Path, __: Path) -> Duplicates:
    hit = Hit(EVIL, 1.0, EVIL, EVIL)
    return Duplicates(Path(EVIL), 2, False, ((hit, hit),), (LookAlike(0.5, hit, hit),), (EVIL,))


def sweep_result(_: Path, __: Path) -> SweepResult:
    done = TrialRow(1, {"optim.lr": EVIL}, None, DONE, 0.5, run=Path(EVIL))
    failed = TrialRow(2, {"optim.lr": EVIL}, None, FAILED, sentence=EVIL)
    draws = tuple(DrawRow({"optim.lr": EVIL}, (row,)) for row in (done, failed))
    return SweepResult(Path(EVIL), spec_of("classification").score, draws, (EVIL,), test=0.5)


def indexed(_: Path, __: Path) -> Indexed:
    return Indexed(Path(EVIL), EVIL, 1, 1, 0, 0, 0, 0, ((EVIL, EVIL),), (EVIL,), None, EVIL, 1.0, False, (EVIL,))


def pushed(_: Path, __: Path) -> Pushed:
    return Pushed("me/goods", "bundle", "0" * 40, EVIL, True, (EVIL,), 1, {EVIL: (EVIL,)}, True)


def of_labels(_: Path, __: Path) -> LabelFigures:
    entries = np.tile(np.array([[1], [0]], np.int8), 5)
    return label_figures(np.full((2, 5), 0.5, np.float32), entries, np.full(5, 0.5, np.float32), (EVIL, *"bcde"))


def of_heads(_: Path, __: Path) -> HeadsFigures:
    rule = HeadPostprocess.by(Heads((f"a={EVIL}", "a=y", "b=u", "b=v")), {})
    return heads_figures(np.eye(4, dtype=np.float32), np.array([[0, 0], [0, -1], [0, 0], [0, 1]]), rule)


def of_nodes(_: Path, __: Path) -> TaxonomyFigures:
    rule = LevelPostprocess.by(Tree((EVIL, "b")), 1.0, 0.9)
    return taxonomy_figures(np.eye(2, dtype=np.float32), np.array([1, 0]), rule)


SHOWN: dict[type, Callable[[Path, Path], Any]] = {
    Advice: advice,
    Forecast: forecast,
    Audit: audit,
    BeforeAfter: before_after,
    Bundle: bundle,
    Comparison: comparison,
    Duplicates: duplicates,
    Evaluation: evaluation,
    Exported: exported,
    Found: found,
    Indexed: indexed,
    HeadsFigures: of_heads,
    LabelFigures: of_labels,
    Metrics: lambda _, __: metrics(),
    Predictions: predictions,
    Pushed: pushed,
    Run: run,
    SideBySide: side_by_side,
    RunList: run_list,
    SweepResult: sweep_result,
    TaxonomyFigures: of_nodes,
    Table: lambda _, __: Table((EVIL, "b"), ((EVIL, 1.0),)),
}

NAMELESS = {"ErrorFigures", "LrSuggestion", "RecallFigures"}
"""What shows numbers alone: no name from outside gets into it."""


def test_these_are_all_that_show_themselves() -> None:
    sources = list(Path(visionft.__file__).parent.rglob("*.py"))
    assert len(sources) > 200
    found = {
        part.name
        for source in sources
        for part in ast.walk(ast.parse(source.read_text(encoding="utf-8")))
        if isinstance(part, ast.ClassDef)
        and any(isinstance(each, ast.FunctionDef) and each.name == "_repr_html_" for each in part.body)
    }
    assert found == {kind.__name__ for kind in SHOWN} | NAMELESS


@pytest.mark.parametrize("kind", SHOWN, ids=lambda kind: kind.__name__)
def test_names_are_escaped(kind: type, tmp_path: Path, trained: Path) -> None:
    shown = SHOWN[kind](tmp_path, trained)
    assert type(shown) is kind
    page = shown._repr_html_()
    assert "&lt;img src=x onerror=alert(1)&gt;" in page
    assert set(re.findall(r"</?(\w+)", page)) <= set(TAGS.split())
