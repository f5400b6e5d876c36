"""The public verbs, one after the other and each twice, once every module is imported."""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import visionft as vft
from visionft.cli.add_class import add_class as add_class_command
from visionft.cli.app import build_app
from visionft.cli.blend import blend as blend_command
from visionft.cli.evaluate import evaluate as evaluate_command
from visionft.cli.export import export as export_command
from visionft.cli.predict import predict as predict_command
from visionft.cli.push import push as push_command
from visionft.errors import BundleError, RunError, UsageError
from visionft.evaluation.evaluation import FILES
from visionft.runs import layout
from visionft.settings import ExportSettings, build
from visionft.settings.fields import leaves

VERBS = ("fit", "evaluate", "predict", "export", "blend")
CLOSE = 1e-3  # what the export's own gate allows


class Course(NamedTuple):
    """What the verbs returned, first and second time."""

    runs: tuple[vft.Run, vft.Run]
    evaluations: tuple[vft.Evaluation, vft.Evaluation]
    exported: tuple[vft.Exported, vft.Exported]
    by_run: tuple[vft.Predictions, vft.Predictions]
    by_bundle: tuple[vft.Predictions, vft.Predictions]
    said: list[str]


def twice(verb: Callable[[], Any]) -> Any:
    return verb(), verb()


@pytest.fixture(scope="module")
def course(shapes: Path, small: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Course:
    for module in pkgutil.walk_packages(vft.__path__, "visionft."):
        importlib.import_module(module.name)
    folder = tmp_path_factory.mktemp("course")
    said: list[str] = []
    runs = twice(lambda: vft.fit(shapes, out=folder / "run", say=said.append, **small))
    evaluations = twice(lambda: vft.evaluate(runs[0]))
    exported = twice(lambda: vft.export(runs[0], folder / "bundle"))
    by_run = twice(lambda: vft.predict(runs[0], [shapes / "disc", shapes / "square"]))
    by_bundle = twice(lambda: vft.predict(folder / "bundle", [shapes / "disc", shapes / "square"]))
    return Course(runs, evaluations, exported, by_run, by_bundle, said)


def test_the_verbs_are_still_functions(course: Course) -> None:
    assert all(inspect.isfunction(getattr(vft, verb)) for verb in VERBS)


def test_fit_returns_a_finished_run_and_returns_it_again(course: Course) -> None:
    first, second = course.runs
    assert isinstance(first, vft.Run)
    assert first.path == second.path
    assert any("is finished already" in line for line in course.said)


def test_fit_evaluates_the_test_split(course: Course) -> None:
    run = course.runs[0]
    assert {entry.name for entry in (run.path / layout.EVALUATION / "test").iterdir()} == FILES | layout.PAGE
    assert run.summary()["test_top1"] == course.evaluations[0].metrics.top1
    assert sum(line.startswith("test: ") for line in course.said) == 1


def test_evaluate_repeats(course: Course) -> None:
    first, second = course.evaluations
    assert first.metrics.to_json() == second.metrics.to_json()
    assert first.predictions.equals(second.predictions)


def test_export_proves_itself_both_times(course: Course) -> None:
    for exported in course.exported:
        assert exported.agreement >= 0.995
        assert exported.max_probability_difference < CLOSE


def test_run_and_bundle_predict_the_same(course: Course) -> None:
    for answers in (*course.by_run, *course.by_bundle):
        assert [row.path for row in answers] == [row.path for row in course.by_run[0]]
        assert len(answers) == 40
        assert [row.label for row in answers] == [row.label for row in course.by_run[0]]
        for mine, theirs in zip(answers, course.by_run[0], strict=True):
            assert np.allclose(mine.probabilities, theirs.probabilities, atol=CLOSE)


def test_run_and_bundle_evaluate_the_same(course: Course, shapes: Path) -> None:
    by_run = vft.evaluate(course.runs[0], data=shapes)
    by_bundle = vft.evaluate(course.exported[0].bundle, data=shapes)
    assert by_run.metrics.n == by_bundle.metrics.n == 60
    assert by_run.predictions["label"].equals(by_bundle.predictions["label"])
    assert by_bundle.metrics.log_loss == pytest.approx(by_run.metrics.log_loss, abs=CLOSE)


def test_a_folder_called_test_leaves_the_run_s_own_figures(course: Course, shapes: Path, tmp_path: Path) -> None:
    run = course.runs[0]
    own = (run.path / layout.EVALUATION / "test" / "metrics.json").read_bytes()
    (tmp_path / "test").symlink_to(shapes)
    vft.evaluate(run.path, data=tmp_path / "test")
    assert (run.path / layout.EVALUATION / "test" / "metrics.json").read_bytes() == own
    assert json.loads((run.path / layout.EVALUATION / "data-test" / "metrics.json").read_text())["n"] == 60


def test_places_and_outputs(course: Course, shapes: Path, tmp_path: Path) -> None:
    run = course.runs[0]
    alone = vft.predict(str(run.path), str(shapes / "disc" / "00.jpg"), out=tmp_path / "answers.csv")
    assert len(alone) == 1
    assert len((tmp_path / "answers.csv").read_text().splitlines()) == 2
    vft.evaluate(run, split="validation", out=tmp_path / "figures")
    assert {entry.name for entry in (tmp_path / "figures").iterdir()} == FILES | layout.PAGE


def test_complete_settings_can_be_given(course: Course, shapes: Path, small: dict[str, Any]) -> None:
    settings = build(shapes, None, out=course.runs[0].path, **small)
    assert vft.fit(settings, say=course.said.append).path == course.runs[0].path
    with pytest.raises(UsageError, match="complete settings and flags; put the flags into the settings"):
        vft.fit(settings, epochs=3)


def test_everything_shows_itself_in_a_notebook(course: Course) -> None:
    for shown in (course.runs[0], course.evaluations[0], course.exported[0], course.by_run[0], course.by_bundle[0]):
        assert shown._repr_html_().startswith("<")


def test_a_bundle_brings_no_photos(course: Course) -> None:
    with pytest.raises(UsageError, match="is a bundle and brings no photos; give labelled ones with --data"):
        vft.evaluate(course.exported[0].bundle)


def test_a_bundle_is_not_exported_again(course: Course, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"is not a run: it has no settings\.yaml"):
        vft.export(course.exported[0].bundle, tmp_path / "again")


def test_a_folder_of_somebody_else_is_not_exported_onto(course: Course, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(BundleError, match="exists and is not a bundle, so it is left as it is: give another --out"):
        vft.export(course.runs[0], tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.tex"]


def test_another_precision_is_not_there(course: Course) -> None:
    with pytest.raises(UsageError, match="--precision: fp8 is not known here; give fp32, fp16 or int8"):
        vft.export(course.runs[0], precision="fp8")
    with pytest.raises(UsageError, match="export was given complete settings and flags; put the flags into the"):
        vft.export(course.runs[0], None, ExportSettings(), golden="none")


@pytest.mark.parametrize("verb", [vft.evaluate, vft.predict, vft.export])
def test_no_run_is_one_sentence(verb: Callable[..., Any], tmp_path: Path) -> None:
    photos = (["a.jpg"],) if verb is vft.predict else ()
    with pytest.raises(RunError, match=r"there is no run or bundle at .*none; give the folder that `visionft fit`"):
        verb(tmp_path / "none", *photos)


@pytest.mark.parametrize(
    ("verb", "command", "own"),
    [
        (vft.evaluate, evaluate_command, {"metrics"}),
        (vft.predict, predict_command, {"on_progress"}),
        (vft.export, export_command, set()),
        (vft.blend, blend_command, {"say"}),
        (vft.push, push_command, {"say"}),
        (vft.add_class, add_class_command, {"say"}),
    ],
)
def test_python_and_the_command_line_have_the_same_names(
    verb: Callable[..., Any], command: Callable[..., Any], own: set[str]
) -> None:
    keywords = {
        name
        for name, given in inspect.signature(verb).parameters.items()
        if given.kind is given.KEYWORD_ONLY or name == "out"
    }
    keywords |= set(leaves(ExportSettings)) if verb is vft.export else set()
    arguments = build_app()[command.__name__.replace("_", "-")].assemble_argument_collection()
    flags = {argument.name.removeprefix("--").replace("-", "_") for argument in arguments if argument.name[:2] == "--"}
    assert keywords - own == flags - {"json"}


def test_fit_takes_every_flag_as_a_keyword(shapes: Path) -> None:
    arguments = build_app()["fit"].assemble_argument_collection()
    flags = {argument.name.removeprefix("--").replace("-", "_") for argument in arguments}
    assert {"config", "backbone", "weights", "method", "epochs", "out", "optim.lr"} <= flags
    settings = build(shapes, None, **{"optim.lr": 0.01, "method": "lora", "epochs": 3, "out": "x"})
    assert (settings.optim.lr, settings.method.name, settings.epochs) == (0.01, "lora", 3)
