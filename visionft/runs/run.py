"""A run as a value: a folder that can be reopened."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file

from visionft import backbones, methods
from visionft.backbones import Network
from visionft.classes import Classes
from visionft.data import Manifest, read_splits
from visionft.errors import RunError
from visionft.metrics import Answering
from visionft.photos import Quarantined
from visionft.preprocess import Preprocess
from visionft.runs import layout
from visionft.runs.calibration import ACCEPTED, Calibration
from visionft.runs.reading import damaged, read_json
from visionft.runs.unfinished import best_epoch, result_so_far, sentence
from visionft.settings import FitSettings, from_yaml


@dataclass(frozen=True)
class Run:
    """A run, finished unless its `epoch` says otherwise.

    Attributes:
        path: its folder.
        epoch: of the best weights so far, where the run is not finished; they are then what it answers with.
    """

    path: Path
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
        if not folder.is_dir():
            raise RunError(f"there is no run at {folder}; give the folder that `visionft fit` wrote")
        if not (folder / layout.SETTINGS).is_file():
            raise RunError(
                f"{folder} is not a run: it has no {layout.SETTINGS}; give the folder that `visionft fit` wrote"
            )
        finished = (folder / layout.RESULT).is_file()
        if not finished and not unfinished:
            raise RunError(f"the run {folder} is not finished; run the same `visionft fit` again to go on with it")
        epoch = None if finished else best_epoch(folder)
        weights = layout.WEIGHTS if finished else layout.BEST
        missing = sorted(name for name in layout.RECORDS | {weights} if not (folder / name).is_file())
        if missing:
            raise RunError(f"the run {folder} lacks {', '.join(missing)}; restore it from a copy or train again")
        return cls(folder, epoch)

    @cached_property
    def settings(self) -> FitSettings:
        """The resolved settings."""
        return from_yaml(self.path / layout.SETTINGS)

    @cached_property
    def classes(self) -> Classes:
        """Class names in index order."""
        return Classes(tuple(self._json(layout.CLASSES)["names"]))

    @cached_property
    def preprocess(self) -> Preprocess:
        """The evaluation transform."""
        return Preprocess.from_json(self._json(layout.PREPROCESS))

    @cached_property
    def result(self) -> dict[str, Any]:
        """The final figures, as in result.json; of an unfinished run `unfinished`, `epoch` and `val` alone."""
        return dict(self._json(layout.RESULT)) if self.epoch is None else result_so_far(self.path, self.epoch)

    @cached_property
    def calibration(self) -> Calibration | None:
        """Temperature, class means and scores of known photos; None where the run is older than they are.

        Raises:
            RunError: a file is missing or damaged.
        """
        if "temperature" not in self.result["val"]:
            return None
        return Calibration.read(self.path)

    def answering(self, accepted: float | None = ACCEPTED) -> Answering:
        """Return the rule from logits to answers; see `Calibration.answering`. An older run has the plain softmax."""
        return Answering.plain() if self.calibration is None else self.calibration.answering(accepted)

    @cached_property
    def weights_source(self) -> dict[str, Any]:
        """Where the pretrained weights came from, and their licence."""
        return dict(self._json(layout.CHOICES)["weights"])

    @cached_property
    def origin(self) -> dict[str, Any] | None:
        """The run that this one went on from: path, classes_hash, data_fingerprint, weights_sha256, its own origin."""
        found: dict[str, Any] | None = self._json(layout.CHOICES).get("origin")
        return found

    @cached_property
    def teacher(self) -> dict[str, Any] | None:
        """The run that taught this one, as `origin`."""
        found: dict[str, Any] | None = self._json(layout.CHOICES).get("teacher")
        return found

    @cached_property
    def environment(self) -> dict[str, Any]:
        """Versions and hardware of the training."""
        return dict(self._json(layout.ENVIRONMENT))

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the manifest that it was trained on."""
        return str(self._json(layout.DATA)["fingerprint"])

    @property
    def note(self) -> str | None:
        """Whose weights an unfinished run answers with, in a sentence; None of a finished one."""
        return None if self.epoch is None else sentence(self.path, self.epoch)

    def has_split(self, split: str) -> bool:
        """Tell whether the run set photos aside under that name."""
        return bool(sum(self._json(layout.DATA)["counts"].get(split, {}).values()))

    def summary(self) -> dict[str, Any]:
        """Return the figures of `visionft fit --json`; accuracies in [0, 1], `test_top1` none before an evaluation."""
        test = self.path / layout.EVALUATION / "test" / "metrics.json"
        kept = self.path / layout.RETENTION / "metrics.json"
        retention = {"retention": read_json(kept)} if kept.is_file() else {}
        result = self.result
        return {
            "run": str(self.path),
            "val_top1": result["val"]["top1"],
            "test_top1": json.loads(test.read_text(encoding="utf-8"))["top1"] if test.is_file() else None,
            **{name: result[name] for name in ("seconds", "images_per_second", "peak_memory_mb")},
            **retention,
        }

    def manifest(self) -> Manifest:
        """Return the photos of the run as they were split, without scanning them again."""
        record = self._json(layout.DATA)
        quarantine = tuple(Quarantined(**entry) for entry in record["quarantine"])
        return Manifest(
            Path(record["root"]),
            read_splits(self.path / layout.SPLITS),
            self.classes,
            quarantine,
            tuple(record["notes"]),
        )

    def network(self, weights: str = layout.WEIGHTS) -> Network:
        """Return the final network, or the best so far: fp32, on the processor, in eval mode.

        Args:
            weights: `layout.START` for the network before its first step of training.

        Raises:
            RunError: the weights are missing or damaged.
        """
        network = backbones.structure(
            self.settings.backbone,
            len(self.classes),
            self.settings.head,
            size=self.preprocess.size,
            model=self.weights_source.get("model"),
        )
        so_far = self.epoch is not None and weights == layout.WEIGHTS
        file = self.path / (layout.BEST if so_far else weights)
        if so_far:  # as training has them, additions apart
            methods.edit(network, self.settings.method, check=False)
        else:
            methods.restore(network, self.settings.method)
        try:
            network.load_state_dict(load_file(file))
        except (SafetensorError, RuntimeError, OSError) as error:
            raise damaged(file, type(error).__name__) from error
        if so_far:
            self._require_still_best()
            methods.fold(network, self.settings.method)
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
        if not (self.path / layout.START).is_file():
            raise RunError(
                f"the run {self.path} has no {layout.START}: it trained nothing by epochs (--method head), or comes "
                "from a version that kept none; train it again, with --method full, gradual or lora"
            )
        return self.network(layout.START)

    def _json(self, name: str) -> dict[str, Any]:
        return read_json(self.path / name)

    def __str__(self) -> str:
        top1, blend = self.result["val"]["top1"], self.result.get("blend")
        how = self.settings.method.name + (f", blended {blend['coefficient']:g} of the way," if blend else "")
        how += "" if self.epoch is None else f" (not finished, after epoch {self.epoch})"
        return (
            f"run {self.path}: {how} on {self.settings.backbone}, {len(self.classes)} classes, "
            f"validation top-1 {top1:.1%}"
        )

    def _repr_html_(self) -> str:
        rows = {
            "folder": self.path,
            "method": self.settings.method.name,
            "backbone": self.settings.backbone,
            "classes": len(self.classes),
            "validation top-1": f"{self.result['val']['top1']:.1%}",
            "seconds": f"{self.result['seconds']:.0f}" if self.epoch is None else "not finished",
        }
        return (
            "<table>"
            + "".join(f"<tr><th>{name}</th><td>{value}</td></tr>" for name, value in rows.items())
            + "</table>"
        )
