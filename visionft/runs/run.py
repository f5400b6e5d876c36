"""A run as a value: a folder that can be reopened."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from html import escape
from pathlib import Path
from typing import Any

from visionft import backbones, methods
from visionft.backbones import Network
from visionft.bundle.answers import answers_of
from visionft.classes import Classes
from visionft.data import Manifest, read_splits
from visionft.data.labels import labels_of
from visionft.errors import RunError, VisionftError
from visionft.files.manifest_names import is_manifest
from visionft.machine.devices import pick_device
from visionft.metrics import Postprocess
from visionft.photos import Quarantined
from visionft.preprocess import Preprocess
from visionft.runs import history, layout, record_schema
from visionft.runs.calibration_file import ACCEPTED
from visionft.runs.learning import Fitted, learning_of
from visionft.runs.run_files import (
    damaged,
    read_json,
    read_record,
    read_settings,
    read_tensors,
    recorded,
    require_digests,
    require_files,
    require_run,
    verified_table,
    verify,
)
from visionft.runs.unfinished import best_epoch, result_so_far, sentence
from visionft.settings import FitSettings
from visionft.tasks.registry import spec_of
from visionft.tasks.spec import Score
from visionft.wording.shown_table import Table


@dataclass(frozen=True)
class Run:
    """A run, finished unless its `epoch` says otherwise.

    Attributes:
        path: its folder.
        photos: its photos, or a part of them, as they were found again; none: they are where the record says.
        epoch: of the best weights so far, where the run is not finished; they are then what it answers with.
    """

    path: Path
    photos: Manifest | None = field(default=None, compare=False, repr=False)
    epoch: int | None = None

    @classmethod
    def open(cls, path: str | Path, *, unfinished: bool = False) -> Run:
        """Open a run.

        Args:
            path: its folder.
            unfinished: also take one that is not finished, with its best weights so far.

        Raises:
            RunError: there is no run, it is unfinished and that was not asked for, it has no weights yet, or a file is
                missing.
        """
        folder = Path(path)
        finished = require_run(folder, unfinished=unfinished)
        epoch = None if finished else best_epoch(folder)
        weights = frozenset({layout.RESULT, layout.WEIGHTS} if finished else {layout.BEST})
        require_files(folder, layout.RECORDS | weights)
        require_digests(folder)
        return cls(folder, epoch=epoch)

    @cached_property
    def settings(self) -> FitSettings:
        """The resolved settings."""
        return read_settings(self.path / layout.SETTINGS)

    @property
    def _score(self) -> Score:
        return spec_of(self.task).score

    @property
    def task(self) -> str:
        """What was learnt."""
        return self.settings.task

    @cached_property
    def classes(self) -> Classes:
        """Class names in index order."""
        return read_record(self.path / layout.CLASSES, record_schema.classes)

    @cached_property
    def preprocess(self) -> Preprocess:
        """The evaluation transform."""
        return read_record(self.path / layout.PREPROCESS, Preprocess.from_json)

    @cached_property
    def result(self) -> dict[str, Any]:
        """The final figures, as in result.json; of an unfinished run `unfinished`, `epoch` and `val` alone."""
        if self.epoch is not None:
            return result_so_far(self.path, self.epoch, self.task)
        return read_record(self.path / layout.RESULT, partial(record_schema.result, score=self._score.name))

    @cached_property
    def calibration(self) -> Fitted | None:
        """What was fitted to validation: of classification a `Calibration`, none where the run is older than it is.

        Raises:
            RunError: a file is missing or damaged.
        """
        return learning_of(self.task).calibration(self.path, self.result["val"], self.classes)

    def answering(self, accepted: float | None = ACCEPTED) -> Postprocess:
        """Return the rule from logits to answers; see `Calibration.answering`. An older run has the plain softmax."""
        return Postprocess.plain() if self.calibration is None else self.calibration.answering(accepted)

    @property
    def device(self) -> str:
        """Where its network answers: "cpu" if that was asked for, else "cuda" where it is here."""
        asked = read_record(self.path / layout.CHOICES, lambda record: str(record["requested"]["hardware"]["device"]))
        return pick_device("cpu" if asked == "cpu" else "auto")

    @cached_property
    def weights_source(self) -> dict[str, Any]:
        """Where the pretrained weights came from, and their licence."""
        return read_record(self.path / layout.CHOICES, lambda record: dict(record["weights"]))

    @cached_property
    def origin(self) -> dict[str, Any] | None:
        """The run that this one went on from: path, classes_hash, data_fingerprint, weights_sha256, its own origin."""
        return read_record(self.path / layout.CHOICES, lambda record: record_schema.earlier_run(record.get("origin")))

    @cached_property
    def teacher(self) -> dict[str, Any] | None:
        """The run that taught this one, as `origin`."""
        return read_record(self.path / layout.CHOICES, lambda record: record_schema.earlier_run(record.get("teacher")))

    @cached_property
    def environment(self) -> dict[str, Any]:
        """Versions and hardware of the training."""
        return read_json(self.path / layout.ENVIRONMENT)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the manifest that it was trained on."""
        return read_record(self.path / layout.DATA, lambda record: str(record["fingerprint"]))

    @property
    def weights_sha256(self) -> str:
        """SHA-256 of the final weights; RunError where they are not those that were written."""
        return verify(self.path / layout.WEIGHTS).sha256

    @property
    def model_sha256(self) -> str:
        """SHA-256 of the final weights with the transform before them: what its answers hang on."""
        transform = json.dumps(self.preprocess.to_json(), sort_keys=True)
        return hashlib.sha256(f"{self.weights_sha256} {transform}".encode()).hexdigest()

    @property
    def note(self) -> str | None:
        """Whose weights an unfinished run answers with, in a sentence; None of a finished one."""
        return None if self.epoch is None else sentence(self.path, self.epoch)

    def has_split(self, split: str) -> bool:
        """Tell whether the run set photos aside under that name."""
        counted = read_record(self.path / layout.DATA, lambda record: sum(record["counts"].get(split, {}).values()))
        return bool(counted)

    @property
    def train_counts(self) -> dict[str, int]:
        """Training photos by class, also of classes added later; of a task without classes, those of what it counts."""
        found: dict[str, int] = read_record(self.path / layout.DATA, lambda record: dict(record["counts"]["train"]))
        return found | {row["name"]: row["photos"] for row in self.added_classes}

    @property
    def added_classes(self) -> list[dict[str, Any]]:
        """The classes that were added from a few photos after the training, as result.json has them."""
        return list(self.result.get("added_classes", ()))

    def summary(self) -> dict[str, Any]:
        """Return the figures of `visionft fit --json`; those of test are none before an evaluation."""
        test = self.path / layout.EVALUATION / "test" / "metrics.json"
        kept = self.path / layout.RETENTION / "metrics.json"
        retention = {"retention": read_json(kept)} if os.path.lexists(kept) else {}
        result, name = self.result, self._score.name
        return {
            "run": str(self.path),
            f"val_{name}": result["val"][name],
            f"test_{name}": read_record(test, lambda record: record[name]) if os.path.lexists(test) else None,
            **{name: result[name] for name in record_schema.SUMMED},
            "account": result.get("account"),
            **retention,
        }

    def curves(self) -> Table:
        """Return a row an epoch: losses, the score on validation, rates and times, as metrics.csv has them.

        The epoch 0 is the solved head, before any step. `RUN/curves.png` is their picture.

        Raises:
            RunError: the file is missing or damaged.
        """
        return history.table(self.path / layout.METRICS)

    def manifest(self) -> Manifest:
        """Return the photos of the run as they were split, without scanning them again."""
        if self.photos is not None:
            return self.photos
        table, classes = read_splits(verified_table(self.path / layout.SPLITS)), self.classes
        strange = labels_of(self.task).strange(table, classes)
        if strange:
            raise damaged(self.path / layout.SPLITS, f"it has the class {strange[0]!r}, and {layout.CLASSES} has not")

        def build(record: Mapping[str, Any]) -> Manifest:
            return Manifest(
                Path(record["root"]),
                table,
                classes,
                tuple(Quarantined(**entry) for entry in record["quarantine"]),
                tuple(record["notes"]),
                by_rows=is_manifest(Path(record.get("source", ""))),
                lost_classes=tuple(record.get("account", {}).get("lost_classes", ())),
                task=self.task,
            )

        return read_record(self.path / layout.DATA, build)

    def network(self, weights: str = layout.WEIGHTS) -> Network:
        """Return the final network, or the best so far: fp32, on the processor, in eval mode.

        Args:
            weights: `layout.START` for the network before its first step of training.

        Raises:
            RunError: the weights are missing or damaged.
        """
        network = backbones.structure(
            self.settings.backbone,
            learning_of(self.task).outputs(self.classes, self.settings),
            self.settings.head,
            size=self.preprocess.size,
            model=self.weights_source.get("model"),
            projects=spec_of(self.task).projects,
        )
        so_far = self.epoch is not None and weights == layout.WEIGHTS
        file = self.path / (layout.BEST if so_far else weights)
        if so_far:  # as training has them, additions apart
            methods.edit(network, self.settings.method, check=False)
        else:
            methods.restore(network, self.settings.method)
        tensors = read_tensors(file)
        try:
            network.load_state_dict(tensors)
        except RuntimeError as error:
            raise damaged(file, "it holds the weights of another network") from error
        if not all(tensor.isfinite().all() for tensor in tensors.values()):
            raise damaged(file, "it holds numbers that are not finite")
        if so_far:
            self._require_still_best()
            methods.fold(network, self.settings.method)
            learning_of(self.task).fold(network, Run(self.path).manifest())
        return network.eval()

    def _require_still_best(self) -> None:
        if best_epoch(self.path) != self.epoch:
            raise RunError(
                f"the run {self.path} is being trained just now and has other best weights than a moment ago; run the "
                "command again"
            )

    def start(self) -> Network:
        """Return the network before its first step of training, the head solved: fp32, on the processor, in eval mode.

        Raises:
            RunError: nothing was trained by epochs, or an older version did not keep the start.
        """
        if not os.path.lexists(self.path / layout.START) and not recorded(self.path / layout.START):
            raise RunError(
                f"the run {self.path} has no {layout.START}: it trained nothing by epochs (--method head), or comes "
                "from a version that kept none; train it again, with --method full, gradual or lora"
            )
        return self.network(layout.START)

    def __str__(self) -> str:
        score, blend = self._score, self.result.get("blend")
        how = self.settings.method.name + (f", blended {blend['coefficient']:g} of the way," if blend else "")
        how += "" if self.epoch is None else f" (not finished, after epoch {self.epoch})"
        missing = (self.result.get("account") or {}).get("headline")
        return (
            f"run {self.path}: {how} on {self.settings.backbone}, {answers_of(self.task).subject(len(self.classes))}, "
            f"validation {score.brief(self.result['val'][score.name])}{f'; {missing}' if missing else ''}"
        )

    def __repr__(self) -> str:
        try:
            return str(self)
        except VisionftError:  # a damaged run has a name all the same
            return f"run {self.path}"

    def _repr_html_(self) -> str:
        rows = {
            "folder": self.path,
            "method": self.settings.method.name,
            "backbone": self.settings.backbone,
            spec_of(self.task).answers: len(self.classes) or "any",
            f"validation {self._score.words}": self._score.brief(self.result["val"][self._score.name], named=False),
            "seconds": f"{self.result['seconds']:.0f}" if self.epoch is None else "not finished",
        }
        if (self.path / layout.REPORT).is_file():
            rows["report"] = self.path / layout.REPORT
        return (
            "<table>"
            + "".join(f"<tr><th>{name}</th><td>{escape(str(value))}</td></tr>" for name, value in rows.items())
            + "</table>"
        )
