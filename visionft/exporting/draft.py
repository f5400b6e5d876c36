"""A bundle between its graph and its place: every file, and the proof."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import onnx

from visionft.bundle import Bundle
from visionft.bundle import names as n
from visionft.bundle.schema import BundleRecord, GoldenRecord, TargetRecord
from visionft.exporting.bundle_record import fitted, provisional, write_final_record, write_record
from visionft.exporting.golden_vectors import GOLDEN_PHOTOS, write_golden
from visionft.exporting.parity_photos import SPLIT, limit_of, read_photos, sample, stratified
from visionft.exporting.quantization.accuracy import check_end, tolerances
from visionft.exporting.quantization.quantize import Quantization
from visionft.exporting.reference_answers import Truth
from visionft.exporting.shipping import Shipping, shipping_of
from visionft.exporting.stage_parity import STAGE_PHOTOS, Progress, Stages
from visionft.exporting.target import Allowed, OpenVino, Runtime, prove
from visionft.exporting.trained_model import Photos, TrainedModel
from visionft.serving import Session
from visionft.settings import ExportSettings

Golden = Literal["photos", "none"]


@dataclass(frozen=True, eq=False)
class Draft:
    """A bundle that is written into a folder and proved there.

    Attributes:
        run: what it is made of.
        trained: the trained model, asked for its answers.
        manifest: photos of the run.
        model: the graph.
        found: how it was made smaller; None: it is in fp32.
        settings: what the bundle shall be.
        runtime: another onnxruntime, or OpenVINO, that must answer like the one here.
        on_progress: called as in `compare`.
    """

    run: TrainedModel
    trained: Truth
    manifest: Photos
    model: onnx.ModelProto
    found: Quantization | None
    settings: ExportSettings
    runtime: Runtime | OpenVino | None
    on_progress: Progress | None

    def write(self, folder: Path) -> BundleRecord:
        """Write every file and return the record; ParityError where the bundle answers otherwise."""
        onnx.save(self.model, folder / n.MODEL_FILE)
        record = self._first(folder)
        write_record(folder, record)  # so that a session can open it
        if self.found is None:
            record = record.model_copy(update=self._proof(folder))
        else:
            levels = self.found.agreement.max_pixel_difference
            check_end(Session(Bundle.open(folder)), self.found.shrunken, sample(self.manifest, STAGE_PHOTOS), levels)
        if self.settings.golden == "photos":
            record = record.model_copy(update={"golden": self._golden(folder)})
        if self.runtime is not None:
            record = record.model_copy(update={"target": self._tried(folder, self.runtime)})
        record = write_final_record(folder, record)
        (folder / n.CARD_FILE).write_text(self._shipping.card(record), encoding="utf-8")
        return record

    @property
    def _shipping(self) -> Shipping:
        return shipping_of(self.run.settings.task)

    def _first(self, folder: Path) -> BundleRecord:
        numbers, fingerprint = self.trained.network.embedding_size, self.manifest.fingerprint
        record = provisional(self.run, numbers, self.model, folder / n.MODEL_FILE, fingerprint)
        if self.found is None:
            return record.model_copy(update=fitted(self.trained.answering, self.settings.accept))
        model = record.model.model_copy(update={"precision": self.settings.precision})
        shrunken = {"model": model, "shrunken": self.found.record, "agreement": self.found.agreement}
        return record.model_copy(update=shrunken | fitted(self.found.shrunken.answering, self.settings.accept))

    def _proof(self, folder: Path) -> dict[str, Any]:
        bundle, rows = Bundle.open(folder), self.manifest.rows(SPLIT)
        chosen = stratified(rows, limit_of(self.settings))
        photos = read_photos(self.manifest.root, rows, chosen)
        stages = Stages(self.model, bundle.preprocess)
        return self._shipping.prove(Session(bundle), self.trained, stages, photos, len(chosen), self.on_progress)

    def _golden(self, folder: Path) -> GoldenRecord:
        classes, place = Bundle.open(folder).classes, folder / n.GOLDEN_FOLDER
        photos = sample(self.manifest, GOLDEN_PHOTOS)
        if self.found is None:
            return write_golden(place, photos, self.trained, classes, task=self.run.settings.task)
        shrunken = self.found.shrunken
        return write_golden(place, photos, shrunken, classes, tolerances(shrunken, photos))

    def _tried(self, folder: Path, runtime: Runtime | OpenVino) -> TargetRecord:
        if isinstance(runtime, OpenVino):
            runtime.convert(folder)
        photos = sample(self.manifest, STAGE_PHOTOS)
        off = {} if self.found is None else tolerances(self.found.shrunken, photos)
        return prove(runtime, Session(Bundle.open(folder)), photos, Allowed(**off))
