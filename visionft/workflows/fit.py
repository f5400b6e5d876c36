"""Fine-tuning on photos."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from visionft.errors import RunError
from visionft.tasks.registry import require_installed, spec_of
from visionft.wording.safe_text import printable
from visionft.workflows.evaluate import evaluate, evaluate_once
from visionft.workflows.fit_settings import fit_settings
from visionft.workflows.own_parts import own_metrics, pipeline_line, with_loss, with_model, with_pipeline
from visionft.workflows.report import report_once
from visionft.workflows.run_or_bundle import path_of

if TYPE_CHECKING:
    from torch import nn

    from visionft.data.transforms.own_pipeline import Pipeline
    from visionft.evaluation import Evaluation, MetricFunction
    from visionft.runs import Run
    from visionft.runs.own_loss import GivenLoss, LossFunction
    from visionft.settings import FitSettings
    from visionft.training import Listener, Ranks
    from visionft.training.trackers import Trackers

Say = Callable[[str], None]
EARLIER_RUNS = ("from_run", "distill")
"""Settings that name another run."""


def fit(
    photos_or_settings: Any = None,
    /,
    *,
    config: str | Path | None = None,
    say: Say = print,
    log: str | Sequence[str] | None = None,
    listeners: Iterable[Listener] = (),
    model: nn.Module | None = None,
    model_args: Mapping[str, Any] | None = None,
    augment_pipeline: Pipeline | None = None,
    loss: LossFunction | str | None = None,
    metrics: Mapping[str, MetricFunction] | None = None,
    **flags: Any,
) -> Run:
    """Fine-tune on photos and evaluate on the test split, if there is one.

    Where torchrun or srun started several processes, each calls this, and they train one run together: the first says
    and writes, and each has the run once that one is done.

    Args:
        photos_or_settings: a folder of class folders, a CSV/Parquet manifest, or complete settings (`FitSettings`). Or
            photos in memory: a pandas DataFrame, an Arrow table, a mapping of columns, of rows or of splits as
            `datasets` has them, with the columns `path`, `image` or `bytes`, `label`, and if you like `split` and
            `group`; or a torch `Dataset`, a list or a generator of (photo, label). A photo is a path, a file's bytes, a
            PIL picture, or an array (H, W, 3) of uint8. They are written once into the caches, without loss.
        config: a YAML file with any of the settings; flags go above it.
        say: receives each line of the report; print by default.
        log: trackers of experiments that are told settings, figures an epoch, pictures and the run's record, in a list
            or between commas: `csv`, `tensorboard`, `mlflow`, `wandb`; files are in `logs` beside the run. One that
            fails is a warning.
        listeners: told of each step, validation and end of the training by epochs, such as a
            `LoggerListener(TensorBoardLogger(...))`; a head that is solved has no steps to tell of. Of several
            processes those of the first are told.
        model: a network of your own, made by `timm.create_model`, instead of `backbone` and `weights`. A copy is
            trained, under a new head; it is kept in the caches, and timm has to build an equal one by its name.
        model_args: what the network was created with beside its name; none: it is read off the network.
        augment_pipeline: a pipeline of albumentations of your own, or a file that `A.save` wrote, in place of
            `augment.strength` and `augment.flip`. It gets (H, W, 3) uint8 RGB, a whole photo whose short side is at
            most one and a half crops, and returns uint8 RGB of any size.
        loss: the name of one of the task's losses, or a function of your own of outputs float32 [B, K] and targets [B]
            that returns the loss of each photo, [B]: of classes logits and int64 indices; of numbers both [B], float32,
            standardised; of several labels logits and entries [B, C], -1 where nobody knows. The run records its name;
            give it again to go on.
        metrics: figures of your own, as for `evaluate`: on the test split, or on validation where there is none.
        flags: settings by name, nested (`optim={"lr": 1e-4}`) or dotted (`**{"optim.lr": 1e-4}`).

    Returns:
        The run. Called again with the same settings, an unfinished run goes on and a finished one is returned.

    Raises:
        MissingExtraError: the task needs a library, or a tracker is one, that is not installed.
        UsageError: a loss or a metric of your own cannot be used, or a tracker is unknown.
        SettingsError: something is wrong with a setting, or it can have no effect; one line each, before any work.
        VisionftError: see `visionft.errors`; a KeyboardInterrupt leaves a checkpoint first.
    """
    for name in EARLIER_RUNS:
        if flags.get(name) is not None:
            flags[name] = path_of(flags[name])
    from visionft.settings.tracker_names import tracker_names

    trackers = tracker_names(log)
    flags = with_pipeline(with_model(flags, model, model_args), augment_pipeline)
    flags, given = with_loss(flags, loss, photos_or_settings)
    own = own_metrics(metrics)
    told: list[str] = []  # of several processes the first alone says it
    settings = in_place(fit_settings(photos_or_settings, config, flags, say=told.append), config, flags)
    settings = with_fetched_runs(settings)
    require_installed(settings.task)
    if settings.augment.pipeline is not None:
        told.append(pipeline_line(settings.augment.pipeline))
    from visionft.training import follow, joined

    with joined(settings.hardware.device) as ranks:
        if not ranks.first:
            return follow(settings, ranks, given)
        for line in told:
            say(line)
        with ranks.leading():
            return _fit(settings, say, listeners, ranks, given, own, trackers)


def _fit(
    settings: FitSettings,
    say: Say,
    listeners: Iterable[Listener],
    ranks: Ranks,
    loss: GivenLoss | None,
    metrics: Mapping[str, MetricFunction],
    trackers: Sequence[str],
) -> Run:
    from visionft.evaluation import Earlier, measure_retention
    from visionft.runs import layout
    from visionft.training import train

    earlier = Earlier.read(settings.retention, settings.data) if settings.retention is not None else None
    if earlier is not None:
        say(str(earlier))
    told = tracked(trackers, settings, say)
    run = train(settings, say, [*listeners, *told], ranks, loss)
    pictures = settings.report.pictures
    evaluation = evaluate_once(run, say, pictures="none" if pictures == "none" else None)
    if settings.from_run is not None:
        _compare(run, settings.from_run, evaluation, say)
    if earlier is not None and not earlier.measured_in(run):
        retention = measure_retention(run, earlier)
        retention.write(run.path / layout.RETENTION)
        say(str(retention))
    if metrics:
        _own_figures(run, evaluation, metrics, say, pictures)
    report_once(run, say, pictures)
    for one in told:
        one.end(run)
    return run


def tracked(names: Sequence[str], settings: FitSettings, say: Say) -> list[Trackers]:
    """Return what tells the trackers of a fit; nothing where there are none."""
    if not names:
        return []
    from visionft.planning.run_records import folder_of
    from visionft.training.trackers import Trackers

    return [Trackers(names, folder_of(settings), say)]


def _own_figures(
    run: Run, evaluation: Evaluation | None, metrics: Mapping[str, MetricFunction], say: Say, pictures: str
) -> None:
    """Say and write figures of the caller's own beside the package's, which are written whatever becomes of these."""
    split = "test" if run.has_split("test") else "validation"
    measured = (evaluation or evaluate(run, split=split, pictures=pictures)).with_metrics(metrics)
    if measured.written is not None:
        measured.write(measured.written)
    for name, figure in measured.own.items():
        say(f"{split}: {printable(name)} {figure}")


def _compare(run: Run, origin: Path, evaluation: Evaluation | None, say: Say) -> None:
    """Say and write, once, what the run makes of the classes that the one it went on from knew already."""
    from visionft.evaluation import before_after, evaluate_run
    from visionft.runs import layout
    from visionft.runs.lineage import Origin

    folder = run.path / layout.EVALUATION
    if "compare" not in spec_of(run.task).stages:  # a photo has no one class that could be right before and wrong after
        return
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


def in_place(settings: FitSettings, config: str | Path | None, flags: dict[str, Any]) -> FitSettings:
    """Let the settings.yaml of a run mean that run, wherever its folder is now, unless another place is named."""
    from visionft.runs import layout

    place = Path(config) if config is not None else None
    if (
        place is None
        or flags.get("out") is not None
        or place.name != layout.SETTINGS
        or not (place.parent / layout.CHOICES).is_file()
    ):
        return settings
    return settings.model_copy(update={"out": place.parent})


def with_fetched_runs(settings: FitSettings) -> FitSettings:
    """Return the settings with folders in place of runs on the hub; HubError where one cannot be had."""
    given = {name: run for name in EARLIER_RUNS if (run := getattr(settings, name)) is not None}
    fetched = {name: path_of(run) for name, run in given.items()}
    return settings if fetched == given else settings.model_copy(update=fetched)
