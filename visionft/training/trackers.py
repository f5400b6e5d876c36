"""A fit told to trackers of experiments, each through Lightning's logger for it; none of them ever ends a fit."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import CSVLogger, Logger, MLFlowLogger, TensorBoardLogger, WandbLogger

from visionft.machine.process_state import environment, quiet_loggers, same_environment
from visionft.machine.progress import Say
from visionft.runs import Run, history, layout
from visionft.runs.atomic_write import remove, write_text
from visionft.runs.criterion import Figures
from visionft.settings import FitSettings
from visionft.settings.fields import leaves
from visionft.settings.unused import value_at
from visionft.training.callbacks import Listener
from visionft.training.state import TrainState
from visionft.wording.safe_text import printable

FOLDER = "logs"
"""Beside the run: what lies in a run's own folder is of visionft alone, and under digests."""
EXPERIMENT = "visionft"
PICTURES = (layout.CURVES, layout.CONFUSION, layout.AUGMENTED)
RECORD = (layout.SETTINGS, layout.RESULT, layout.METRICS, layout.ENVIRONMENT, layout.CLASSES, layout.REPORT)
"""Files of the run that a tracker with artefacts keeps; weights are not among them."""
RUN_TAG = "visionft.run"
BEGUN, OVER = "begun", "over"
UNTOLD = {"console": "off", "disable_git": True, "save_code": False}
"""What Weights & Biases would keep beside what it is told: printed lines, the repository in which one stands, code."""
TOLD, MLFLOW_ID = ".told", ".id"
"""Endings of the files that say how far a tracker was told of a run, and which of MLflow's runs it is."""


class Tracker:
    """One tracker: its logger, and where it takes pictures and files.

    Args:
        name: of the tracker.
        run: the run's folder.
    """

    def __init__(self, name: str, run: Path) -> None:
        self.name, self.run = name, run
        self.logger = _LOGGERS[name](run)

    def settings(self, values: Mapping[str, Any]) -> None:
        """Log the settings of the run."""
        self.logger.log_hyperparams(dict(values))
        if isinstance(self.logger, CSVLogger | TensorBoardLogger):
            self.logger.save()

    def figures(self, values: Mapping[str, float], step: int) -> None:
        """Log figures of a step."""
        self.logger.log_metrics(dict(values), step=step)
        if isinstance(self.logger, CSVLogger):
            self.logger.save()  # else what was logged lies in memory until the end, which a kill forestalls

    def picture(self, path: Path, step: int) -> None:
        """Log a picture of the report, where the tracker takes some."""
        if isinstance(self.logger, TensorBoardLogger):
            import numpy as np
            from PIL import Image

            with Image.open(path) as picture:
                pixels = np.asarray(picture.convert("RGB"))
            self.logger.experiment.add_image(path.stem, pixels, step, dataformats="HWC")
        if isinstance(self.logger, MLFlowLogger):
            self.logger.experiment.log_artifact(self.logger.run_id, str(path), "pictures")
        if isinstance(self.logger, WandbLogger):
            self.logger.log_image(path.stem, [str(path)], step=step)

    def file(self, path: Path) -> None:
        """Keep a file of the run's record, where the tracker has artefacts."""
        if isinstance(self.logger, MLFlowLogger):
            self.logger.experiment.log_artifact(self.logger.run_id, str(path), "run")
        if isinstance(self.logger, WandbLogger):
            self.logger.experiment.save(str(path), base_path=str(self.run), policy="now")

    def close(self) -> None:
        """Write what is left."""
        self.logger.finalize("success")
        if isinstance(self.logger, WandbLogger):
            self.logger.experiment.finish()


class Trackers(Listener):
    """Tells trackers the settings, a row of figures an epoch, and at the end figures, pictures and the record.

    One that fails is warned of once, and told nothing more: the fit goes on.

    Args:
        names: of the trackers.
        run: the run's folder; what is written on this machine is in `logs` beside it.
        say: prints one line.
    """

    def __init__(self, names: Sequence[str], run: Path, say: Say) -> None:
        self.run, self.say, self._known = run, say, False
        self.trackers: list[Tracker] = []
        for name in names:
            if not (run / layout.SETTINGS).is_file():
                self._attempt(name, lambda name=name: _set_aside(run, name))  # type: ignore[misc]
            if self._noted(name) == OVER:
                say(f"{name} was told all of {run} already")
            else:
                self._attempt(name, lambda name=name: self.trackers.append(Tracker(name, run)))  # type: ignore[misc]

    def started(self, state: TrainState) -> None:
        """Tell the settings, and the epochs so far to those that do not know them."""
        self._begin(state.settings)

    def validated(self, state: TrainState, figures: Figures) -> None:
        """Tell the epoch's row of metrics.csv, by optimizer step."""
        row = history.table(self.run / layout.METRICS)[-1]
        self._each(lambda one: _row(one, row))

    def end(self, run: Run) -> None:
        """Tell final figures, the report's pictures and the run's record, and close every tracker."""
        self._begin(run.settings)
        rows = run.curves()
        step = int(rows[-1]["step"]) if len(rows) else 0
        summary = {name: value for name, value in run.summary().items() if isinstance(value, int | float)}
        self._each(lambda one: one.figures({f"final/{name}": value for name, value in summary.items()}, step))
        for name in PICTURES:
            if (run.path / name).is_file():
                self._each(lambda one, name=name: one.picture(run.path / name, step))  # type: ignore[misc]
        for name in RECORD:
            if (run.path / name).is_file():
                self._each(lambda one, name=name: one.file(run.path / name))  # type: ignore[misc]
        self._each(Tracker.close)
        self._each(lambda one: self._note(one.name, OVER))

    def _begin(self, settings: FitSettings) -> None:
        """Tell settings and rows once; CSV writes its file anew in each process, and is told the rows again."""
        if self._known:
            return
        self._known = True
        values = {path: value_at(settings, path) for path in leaves() if value_at(settings, path) is not None}
        plain = {path: value if isinstance(value, bool | int | float) else str(value) for path, value in values.items()}
        rows = list(history.table(self.run / layout.METRICS)) if (self.run / layout.METRICS).is_file() else []

        def tell(one: Tracker) -> None:
            one.settings(plain)
            for row in rows if one.name == "csv" or self._noted(one.name) is None else ():
                _row(one, row)
            self._note(one.name, BEGUN)

        self._each(tell)

    def _noted(self, name: str) -> str | None:
        """Return how far a tracker was told of this run, by this process or an earlier one; None: of nothing."""
        file = _folder(self.run, name) / f"{self.run.name}{TOLD}"
        return file.read_text(encoding="utf-8").strip() if file.is_file() else None

    def _note(self, name: str, how_far: str) -> None:
        write_text(_place(self.run, name) / f"{self.run.name}{TOLD}", f"{how_far}\n")

    def _each(self, tell: Callable[[Tracker], None]) -> None:
        """Tell every tracker that has not failed."""
        for one in list(self.trackers):
            self._attempt(one.name, lambda one=one: tell(one))  # type: ignore[misc]

    def _attempt(self, name: str, work: Callable[[], Any]) -> None:
        try:
            with _no_traces(), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # a tracker's own business, such as the age of its database library
                work()
        except Exception as error:  # noqa: BLE001  # a server that is down must not end hours of training
            self.trackers = [one for one in self.trackers if one.name != name]
            said = printable(" ".join(str(error).split()))[:300] or type(error).__name__
            self.say(f"warning: {name} is told nothing more, as it failed ({said}); the training goes on without it")


@contextmanager
def _no_traces() -> Iterator[None]:
    """Keep trackers from telling their makers how they are used, and MLflow from leaving its address to the next fit.

    They read the variables when they are imported, and MLflow sets that of its address. What the user has set holds.
    """
    wanted = {"MLFLOW_DISABLE_TELEMETRY": "true", "WANDB_ERROR_REPORTING": "false", "WANDB_SILENT": "true"}
    ours = {name: os.environ.get(name, value) for name, value in wanted.items()}
    with same_environment("MLFLOW_TRACKING_URI"), environment(**ours):
        yield


def _row(tracker: Tracker, row: Mapping[str, Any]) -> None:
    values = {name: float(value) for name, value in row.items() if name != "step" and value is not None}
    tracker.figures(values, int(row["step"]))


def _folder(run: Path, name: str) -> Path:
    return run.absolute().parent / FOLDER / name


def _place(run: Path, name: str) -> Path:
    place = _folder(run, name)
    place.mkdir(parents=True, exist_ok=True)
    return place


def _set_aside(run: Path, name: str) -> None:
    """Forget what a tracker was told of an earlier run of this name, whose folder is gone; its files stay beside."""
    folder = _folder(run, name)
    for ending in (TOLD, MLFLOW_ID):
        if os.path.lexists(folder / f"{run.name}{ending}"):
            remove(folder / f"{run.name}{ending}")
    if (folder / run.name).is_dir():
        free = (folder / f"{run.name}-earlier-{number}" for number in count(1))
        (folder / run.name).rename(next(place for place in free if not place.exists()))


def _tensorboard(run: Path) -> Logger:
    return TensorBoardLogger(_place(run, "tensorboard"), name=run.name, version="", default_hp_metric=False)


def _csv(run: Path) -> Logger:
    return CSVLogger(_place(run, "csv"), name=run.name, version="")


def _mlflow(run: Path) -> Logger:
    """Return MLflow's logger: of $MLFLOW_TRACKING_URI, else of SQLite beside the run; one MLflow run a run of ours."""
    with quiet_loggers(logging.ERROR, "mlflow", "alembic"):  # a migration of the database in thirty lines
        return _mlflow_logger(run)


def _mlflow_logger(run: Path) -> Logger:
    address, kept = os.environ.get("MLFLOW_TRACKING_URI"), None
    if not address:
        place = _place(run, "mlflow")
        address, kept = f"sqlite:///{place / 'mlflow.db'}", str(place / "artifacts")
    experiment = os.environ.get("MLFLOW_EXPERIMENT_NAME") or EXPERIMENT
    noted = _place(run, "mlflow") / f"{run.name}{MLFLOW_ID}"
    known = noted.read_text(encoding="utf-8").splitlines() if noted.is_file() else []
    if known[:1] == [address]:
        return MLFlowLogger(experiment, run.name, address, run_id=known[1], artifact_location=kept)
    logger = MLFlowLogger(experiment, run.name, address, {RUN_TAG: str(run.absolute())}, artifact_location=kept)
    write_text(noted, f"{address}\n{logger.run_id}\n")
    return logger


def _wandb(run: Path) -> Logger:
    """Return the logger of Weights & Biases: of its server where somebody is logged in, else of this machine's files.

    `mode` and not the logger's `offline`, which wandb no longer heeds once it was set up.
    """
    import wandb

    mode = os.environ.get("WANDB_MODE") or ("online" if wandb.login(prompt=False) else "offline")
    project = os.environ.get("WANDB_PROJECT") or EXPERIMENT
    return WandbLogger(run.name, _place(run, "wandb"), project=project, mode=mode, settings=UNTOLD)


_LOGGERS: Mapping[str, Callable[[Path], Logger]] = {
    "tensorboard": _tensorboard, "csv": _csv, "mlflow": _mlflow, "wandb": _wandb,
}  # fmt: skip
