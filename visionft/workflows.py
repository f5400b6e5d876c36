"""The public verbs: each a function over values, the same in a notebook and on the command line.

Heavy rooms are imported inside the verbs, so that predicting with a bundle never loads torch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from visionft.errors import RunError, UsageError, WeightsError
from visionft.settings import FitSettings, build, compared_methods

if TYPE_CHECKING:
    from visionft.bundle import Predictions
    from visionft.evaluation import Evaluation
    from visionft.exporting import Exported
    from visionft.runs import Run
    from visionft.training import Advice

Say = Callable[[str], None]


def fit(
    photos_or_settings: str | Path | FitSettings | None = None,
    /,
    *,
    config: str | Path | None = None,
    say: Say = print,
    **flags: Any,
) -> Run:
    """Fine-tune on photos and evaluate on the test split, if there is one.

    Args:
        photos_or_settings: a folder of class folders, a CSV/Parquet manifest, or complete settings.
        config: a YAML file with any of the settings; flags go above it.
        say: receives each line of the report; print by default.
        flags: settings by name, nested (`optim={"lr": 1e-4}`) or dotted (`**{"optim.lr": 1e-4}`).

    Returns:
        The run. Called again with the same settings, an unfinished run goes on and a finished one is returned.

    Raises:
        VisionftError: see `visionft.errors`; a KeyboardInterrupt leaves a checkpoint first.
    """
    if flags.get("from_run") is not None:
        flags["from_run"] = _path(flags["from_run"])
    settings = _settings(photos_or_settings, config, flags)
    from visionft.evaluation import Earlier, measure_retention
    from visionft.runs import layout
    from visionft.training import train

    earlier = Earlier.read(settings.retention, settings.data) if settings.retention is not None else None
    if earlier is not None:
        say(str(earlier))
    run = train(settings, say)
    evaluation = _test(run, say)
    if settings.from_run is not None:
        _compare(run, settings.from_run, evaluation, say)
    if earlier is not None and not earlier.measured_in(run):
        retention = measure_retention(run, earlier)
        retention.write(run.path / layout.RETENTION)
        say(str(retention))
    return run


def advise(
    photos_or_settings: str | Path | FitSettings | None = None,
    /,
    *,
    methods: str | Sequence[str] | None = None,
    steps: int = 20,
    small_files: bool = False,
    config: str | Path | None = None,
    say: Say = print,
    **flags: Any,
) -> Advice:
    """Try the methods on these photos and this machine for some steps each, and recommend one; nothing is written.

    Args:
        photos_or_settings: as for `fit`. The settings of a method are used where it is tried.
        methods: names of the methods to compare, in a list or between commas; none: all of them.
        steps: training steps a method, at least 1; after 30 seconds no new one is begun.
        small_files: one small file a task, beside a base that tasks share, is wanted.
        config: a YAML file with any of the settings; flags go above it.
        say: receives each line of the report; print by default.
        flags: settings by name, as for `fit`.

    Raises:
        UsageError: a method is unknown, or there is nothing to train.
        WeightsError: there are no pretrained weights.
        DataError: the photos cannot be used.
    """
    settings, names = _settings(photos_or_settings, config, flags), compared_methods(methods)
    require_advisable(settings, steps)
    from visionft.training import Limits
    from visionft.training import advise as advise_on

    return advise_on(settings, names, Limits(steps), small_files=small_files, say=say)


def require_advisable(settings: FitSettings, steps: int = 20) -> None:
    """Refuse what cannot be compared, before anything heavy is imported.

    Raises:
        UsageError, WeightsError: see `advise`.
    """
    if steps < 1:
        raise UsageError(f"--steps: {steps} is less than 1; give a whole number from 1")
    if settings.epochs == 0:
        raise UsageError("--epochs: 0 leaves nothing to try; leave it out, or give a whole number from 1")
    if settings.weights == "none":
        raise WeightsError(
            "--weights: none leaves random features, which advise nobody; give hub, or a file of pretrained weights"
        )


def evaluate(
    run_or_bundle: Run | str | Path,
    *,
    data: str | Path | None = None,
    split: str = "test",
    retention: str | Path | None = None,
    out: str | Path | None = None,
) -> Evaluation:
    """Measure a run or a bundle on labelled photos.

    Args:
        run_or_bundle: a run, or the folder of a run or of a bundle.
        data: another folder of class folders or manifest; a bundle always needs one.
        split: which of the run's own photos, where `data` is not given.
        retention: photos of an earlier task, to measure what a run's features still know of them; the figures are in
            `Evaluation.retention`, and in RUN/evaluation/retention or OUT/retention.
        out: a folder for the figures and the predictions per photo; none: RUN/evaluation/SPLIT or
            RUN/evaluation/data-FOLDER for a run, nowhere for a bundle.

    Raises:
        UsageError: there are no such photos.
        DataError: a class of the photos is unknown to the model, or retention cannot be measured on the earlier ones.
    """
    path, photos = _path(run_or_bundle), Path(data) if data is not None else None
    if not is_bundle(path):
        return _evaluate_run(_run(path), photos, split, retention, Path(out) if out is not None else None)
    from visionft.bundle import Bundle
    from visionft.evaluation import evaluate_bundle

    if photos is None:
        raise UsageError(f"{path} is a bundle and brings no photos; give labelled ones with --data")
    if retention is not None:
        raise UsageError(f"{path} is a bundle, which has no start to compare with; give --retention with its run")
    evaluation = evaluate_bundle(Bundle.open(path), photos)
    if out is not None:
        evaluation.write(Path(out))
    return evaluation


def _evaluate_run(
    run: Run, photos: Path | None, split: str, retention: str | Path | None, out: Path | None
) -> Evaluation:
    from visionft.evaluation import Earlier, evaluate_run, measure_retention
    from visionft.runs import layout

    earlier = Earlier.read(retention, run.settings.data) if retention is not None else None
    evaluation = evaluate_run(run, photos, split)
    if earlier is not None:
        kept = measure_retention(run, earlier)
        kept.write(run.path / layout.RETENTION if out is None else out / Path(layout.RETENTION).name)
        evaluation = replace(evaluation, retention=kept)
    # A folder of other photos may be called "test" too, and would take the place of the run's own figures.
    name = evaluation.split if photos is None else f"data-{evaluation.split}"
    evaluation.write(run.path / layout.EVALUATION / name if out is None else out)
    return evaluation


def predict(
    run_or_bundle: Run | str | Path, photos: Sequence[str | Path] | str | Path, *, out: str | Path | None = None
) -> Predictions:
    """Answer photos, folders of photos or globs.

    Args:
        run_or_bundle: a run, or the folder of a run or of a bundle; a bundle needs no torch.
        photos: one or several files, folders (searched through) or globs.
        out: a file for the answers: .csv, .jsonl or .parquet.

    Raises:
        DataError: a place matches no photo.
    """
    path = _path(run_or_bundle)
    places = [photos] if isinstance(photos, (str, Path)) else list(photos)
    if is_bundle(path):
        from visionft.serving import predict as predict_bundle

        predictions = predict_bundle(path, places)
    else:
        from visionft.evaluation import predict_run

        predictions = predict_run(_run(path), places)
    if out is not None:
        predictions.write(out)
    return predictions


def export(
    run: Run | str | Path,
    out: str | Path | None = None,
    *,
    precision: Literal["fp32"] = "fp32",
    golden: Literal["photos", "none"] = "photos",
    all: bool = False,  # noqa: A002  # the name of the flag
) -> Exported:
    """Write the bundle that is deployed, after checking on validation photos that it answers like the run.

    Args:
        run: a finished run or its folder.
        out: the bundle's folder; none: RUN/bundle.
        precision: arithmetic of the exported network.
        golden: whether photos with their answers travel inside the bundle.
        all: compare on every validation photo instead of at most 2,000.

    Raises:
        ParityError: the exported model does not answer like the trained one; nothing is left behind.
    """
    if precision != "fp32":
        raise UsageError(f"--precision {precision} is not available; give fp32")
    from visionft.exporting import export as export_run

    opened = _run(_path(run))
    return export_run(opened, Path(out) if out is not None else opened.path / "bundle", golden=golden, all_photos=all)


def _compare(run: Run, origin: Path, evaluation: Evaluation | None, say: Say) -> None:
    """Say and write, once, what the run makes of the classes that the one it went on from knew already."""
    from visionft.evaluation import before_after, evaluate_run
    from visionft.runs import layout
    from visionft.runs.descent import Origin

    folder = run.path / layout.EVALUATION
    if run.origin is None or (folder / "before_after.json").is_file():
        return
    try:
        parent = Origin(**run.origin).reopen(origin)
    except RunError as error:
        say(f"no comparison of before and after: {error}")
        return
    after = evaluation or evaluate_run(run, None, "test" if run.has_split("test") else "validation")
    compared = before_after(run, parent, after)
    if compared is not None:
        compared.write(folder)
        say(str(compared))


def is_bundle(path: Path) -> bool:
    """Tell a bundle's folder from a run's."""
    return (path / "bundle.json").is_file() or (path / "model.onnx").is_file()


def blend(
    run: Run | str | Path,
    out: str | Path | None = None,
    *,
    coefficients: Sequence[float] | None = None,
    say: Say = print,
) -> Run:
    """Make a new run whose weights lie between those before and after training (WiSE-FT, arXiv 2109.01903).

    Such weights often keep more of what was known, at little cost for what was learnt. Nothing is trained: the share of
    the way is the one with the best top-1 on validation. The new run is evaluated as `fit` does.

    Args:
        run: a finished run or its folder; its start must be there, so it was trained by epochs.
        out: the new run's folder; none: RUN-blend beside RUN.
        coefficients: shares of the way that are tried, in [0, 1]; none: 0, 0.1, ... 1.
        say: receives each line of the report; print by default.

    Raises:
        UsageError: a coefficient is outside [0, 1].
        RunError: there is nothing to blend, or something else is at `out`.
    """
    from visionft.training import TENTHS
    from visionft.training import blend as blend_run

    opened = _run(_path(run))
    whole = opened.path.absolute() if opened.path.name in ("", "..") else opened.path
    place = Path(out) if out is not None else whole.with_name(f"{whole.name}-blend")
    blended = blend_run(opened, place, TENTHS if coefficients is None else tuple(coefficients), say)
    _test(blended, say)
    return blended


def _test(run: Run, say: Say) -> Evaluation | None:
    """Evaluate the test split, if there is one and it was not evaluated yet."""
    from visionft.runs import layout

    folder = run.path / layout.EVALUATION / "test"
    if not run.has_split("test") or (folder / "metrics.json").is_file():
        return None
    evaluation = evaluate(run, out=folder)
    say(f"test: {evaluation.metrics}")
    return evaluation


def _settings(given: str | Path | FitSettings | None, config: str | Path | None, flags: dict[str, Any]) -> FitSettings:
    if not isinstance(given, FitSettings):
        return build(given, config, **flags)
    if flags or config:
        raise UsageError("fit was given complete settings and flags; put the flags into the settings")
    return given


def _path(run_or_bundle: Any) -> Path:
    return Path(getattr(run_or_bundle, "path", run_or_bundle))


def _run(path: Path) -> Run:
    from visionft.runs import Run

    if not path.exists():
        raise RunError(
            f"there is no run or bundle at {path}; give the folder that `visionft fit` or `visionft export` wrote"
        )
    return Run.open(path)
