"""The public verbs: each a function over values, the same in a notebook and on the command line.

Heavy rooms are imported inside the verbs, so that predicting with a bundle never loads torch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from visionft.errors import RunError, UsageError
from visionft.settings import FitSettings, build

if TYPE_CHECKING:
    from visionft.bundle import Predictions
    from visionft.evaluation import Evaluation
    from visionft.exporting import Exported
    from visionft.runs import Run

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
    settings = _settings(photos_or_settings, config, flags)
    from visionft.runs import layout
    from visionft.training import train

    run = train(settings, say)
    folder = run.path / layout.EVALUATION / "test"
    if run.has_split("test") and not (folder / "metrics.json").is_file():
        evaluation = evaluate(run, out=folder)
        say(f"test: {evaluation.metrics}")
    return run


def evaluate(
    run_or_bundle: Run | str | Path,
    *,
    data: str | Path | None = None,
    split: str = "test",
    out: str | Path | None = None,
) -> Evaluation:
    """Measure a run or a bundle on labelled photos.

    Args:
        run_or_bundle: a run, or the folder of a run or of a bundle.
        data: another folder of class folders or manifest; a bundle always needs one.
        split: which of the run's own photos, where `data` is not given.
        out: a folder for the figures and the predictions per photo; none: RUN/evaluation/SPLIT or
            RUN/evaluation/data-FOLDER for a run, nowhere for a bundle.

    Raises:
        UsageError: there are no such photos.
        DataError: a class of the photos is unknown to the model.
    """
    from visionft.evaluation import evaluate_bundle, evaluate_run
    from visionft.runs import layout

    path, photos = _path(run_or_bundle), Path(data) if data is not None else None
    if is_bundle(path):
        from visionft.bundle import Bundle

        if photos is None:
            raise UsageError(f"{path} is a bundle and brings no photos; give labelled ones with --data")
        evaluation = evaluate_bundle(Bundle.open(path), photos)
    else:
        evaluation = evaluate_run(_run(path), photos, split)
        # A folder of other photos may be called "test" too, and would take the place of the run's own figures.
        name = evaluation.split if photos is None else f"data-{evaluation.split}"
        out = path / layout.EVALUATION / name if out is None else out
    if out is not None:
        evaluation.write(Path(out))
    return evaluation


def predict(
    run_or_bundle: Run | str | Path,
    photos: Sequence[str | Path] | str | Path,
    *,
    out: str | Path | None = None,
    top: int = 1,
) -> Predictions:
    """Answer photos, folders of photos or globs.

    Args:
        run_or_bundle: a run, or the folder of a run or of a bundle; a bundle needs no torch.
        photos: one or several files, folders (searched through) or globs.
        out: a file for the answers: .csv, .jsonl or .parquet.
        top: labels in each answer, the most probable first; above 1 they are columns of their own in `out`.

    Raises:
        UsageError: `top` is less than 1.
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
    predictions = predictions.with_top(top)
    if out is not None:
        predictions.write(out)
    return predictions


def export(
    run: Run | str | Path,
    out: str | Path | None = None,
    *,
    precision: Literal["fp32"] = "fp32",
    golden: Literal["photos", "none"] = "photos",
    accept: float | None = 0.95,
    all: bool = False,  # noqa: A002  # the name of the flag
) -> Exported:
    """Write the bundle that is deployed, after checking on validation photos that it answers like the run.

    Args:
        run: a finished run or its folder.
        out: the bundle's folder; none: RUN/bundle.
        precision: arithmetic of the exported network.
        golden: whether photos with their answers travel inside the bundle.
        accept: share of known photos, in (0, 1), that the threshold lets pass; photos below it are answered `unknown`.
            None: none is.
        all: compare on every validation photo instead of at most 2,000.

    Raises:
        ParityError: the exported model does not answer like the trained one; nothing is left behind.
    """
    if precision != "fp32":
        raise UsageError(f"--precision {precision} is not available; give fp32")
    from visionft.exporting import export as export_run

    opened = _run(_path(run))
    place = Path(out) if out is not None else opened.path / "bundle"
    return export_run(opened, place, golden=golden, accepted=accept, all_photos=all)


def is_bundle(path: Path) -> bool:
    """Tell a bundle's folder from a run's."""
    return (path / "bundle.json").is_file() or (path / "model.onnx").is_file()


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
