"""The gate of an adapter: beside its own run, on its validation photos, through the session that serves them all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto

from visionft.bundle import Answer, Bundle
from visionft.bundle import names as n
from visionft.bundle.schema import AdapterRecord
from visionft.errors import ParityError
from visionft.exporting.adapters.adapter_files import Tensors, baked
from visionft.exporting.adapters.lora_runs import AdaptedRun
from visionft.exporting.draft import Golden
from visionft.exporting.golden_vectors import GOLDEN_PHOTOS, write_golden
from visionft.exporting.parity import compare
from visionft.exporting.parity_photos import SPLIT, read_photos, sample, stratified
from visionft.exporting.quantization.accuracy import check_end, tolerances
from visionft.exporting.quantization.quantize import Quantization
from visionft.exporting.reference_answers import Truth
from visionft.exporting.stage_parity import STAGE_PHOTOS, Progress, Stages
from visionft.serving import Session


@dataclass(frozen=True, eq=False)
class Through:
    """A session that answers through one adapter.

    Attributes:
        session: over the whole bundle.
        adapter: its name.
    """

    session: Session
    adapter: str

    @property
    def bundle(self) -> Bundle:
        """The bundle as it is with the adapter."""
        return self.session.bundle.chosen(self.adapter)

    def answer(self, image: NDArray[np.uint8]) -> Answer:
        """Answer one photo, (H, W, 3) uint8 RGB."""
        return self.session.answer(image, self.adapter)

    def answer_batch(self, images: Sequence[NDArray[np.uint8]]) -> list[Answer]:
        """Answer photos of any sizes, each (H, W, 3) uint8 RGB."""
        return self.session.answer_batch(images, self.adapter)


@dataclass(frozen=True)
class Gate:
    """What the proofs of all adapters have in common.

    Attributes:
        folder: the bundle as it is so far.
        model: its base.
        golden: whether golden photos are written.
        accepted: share of known photos that each threshold lets pass.
        limit: photos to compare of each run; none: all of its validation photos.
        on_progress: called as in `compare`.
    """

    folder: Path
    model: ModelProto
    golden: Golden
    accepted: float | None
    limit: int | None
    on_progress: Progress | None

    def of(
        self,
        run: AdaptedRun,
        through: Through,
        record: AdapterRecord,
        tensors: Tensors,
        small: Quantization | None = None,
    ) -> AdapterRecord:
        """Return the record with the adapter's proof and golden vectors.

        Args:
            run: where the adapter comes from.
            through: the bundle, asked through the adapter.
            record: the adapter's so far.
            tensors: what its file holds.
            small: what was measured on the base in int8, where it is.

        Raises:
            ParityError: it answers differently from its run, or from what was measured.
        """
        if small is not None:
            return self._of_small(run, through, record, small)
        trained = Truth(run.network(), run.preprocess, run.answering(self.accepted))
        stages = Stages(baked(self.model, tensors), run.preprocess)
        manifest = run.manifest()
        rows = manifest.rows(SPLIT)
        chosen = stratified(rows, self.limit)
        photos = read_photos(manifest.root, rows, chosen)
        try:
            agreement = compare(through, trained, stages, photos, len(chosen), self.on_progress)
        except ParityError as error:
            raise ParityError(f"adapter {record.name}: {error}") from error
        found = record.model_copy(update={"agreement": agreement})
        if self.golden == "none":
            return found
        vectors = write_golden(self._golden(record), sample(manifest, GOLDEN_PHOTOS), trained, run.classes)
        return found.model_copy(update={"golden": vectors})

    def _of_small(self, run: AdaptedRun, through: Through, record: AdapterRecord, small: Quantization) -> AdapterRecord:
        manifest = run.manifest()
        check_end(through, small.shrunken, sample(manifest, STAGE_PHOTOS), small.agreement.max_pixel_difference)
        found = record.model_copy(update={"agreement": small.agreement, "shrunken": small.record})
        if self.golden == "none":
            return found
        few = sample(manifest, GOLDEN_PHOTOS)
        off = tolerances(small.shrunken, few)
        vectors = write_golden(self._golden(record), few, small.shrunken, run.classes, off)
        return found.model_copy(update={"golden": vectors})

    def _golden(self, record: AdapterRecord) -> Path:
        return self.folder / n.GOLDEN_FOLDER / record.name
