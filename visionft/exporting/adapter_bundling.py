"""From low-rank runs to one bundle: a base, and an adapter for each that provably answers like its run."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto

from visionft.bundle import Answer, Bundle
from visionft.bundle import names as n
from visionft.bundle.reading import digest_of
from visionft.bundle.schema import (
    ADAPTERS_VERSION,
    AdapterRecord,
    BundleRecord,
    GoldenRecord,
    adapted_tensors,
)
from visionft.classes import Classes
from visionft.errors import ParityError
from visionft.exporting.adapter_card import card
from visionft.exporting.adapter_files import Tensors, adapter_tensors, baked, optional_inputs, write_adapter_file
from visionft.exporting.adapter_graph import build_base
from visionft.exporting.adapting import AdaptedRun, LowRank, read_adapters
from visionft.exporting.bundling import Exported, Golden, fitted, require_valid
from visionft.exporting.golden import GOLDEN_PHOTOS, write_golden
from visionft.exporting.onnx_model import set_metadata
from visionft.exporting.parity import Progress, compare
from visionft.exporting.placing import GOLDEN_BYTES, check_place, placed
from visionft.exporting.record import figures, metadata, model_record, provenance, weights_record, write_record
from visionft.exporting.reference import Truth
from visionft.exporting.sampling import LIMIT, SPLIT, read_photos, stratified
from visionft.exporting.stages import Stages
from visionft.runs.calibration import ACCEPTED
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
        """Answer photos of any sizes."""
        return self.session.answer_batch(images, self.adapter)


def export_adapters(
    runs: Mapping[str, AdaptedRun],
    out: str | Path,
    *,
    golden: Golden = "photos",
    accepted: float | None = ACCEPTED,
    all_photos: bool = False,
    on_progress: Progress | None = None,
) -> Exported:
    """Write runs of LoRA as one bundle, once each adapter has answered its run's validation photos like its run.

    Args:
        runs: by the names that the adapters shall have.
        out: the bundle's folder; an older bundle there is replaced at the end, in one step.
        golden: `none` leaves the golden photos out, for private ones.
        accepted: share of known photos that each threshold lets pass, in (0, 1); None: no photo is called unknown.
        all_photos: check on every validation photo instead of 2,000 a run.
        on_progress: called with the stage, how many photos are done and how many there are.

    Raises:
        UsageError: there is no run, or a name cannot be a file's.
        RunError: a run is no plain LoRA with a linear head, or its base is another than the first one's.
        ParityError: an adapter answers differently from its run; nothing is left on disk.
        BundleError: the place is taken.
        DiskSpaceError: the disk is too full.
        BackboneError: the network cannot be written as ONNX.
    """
    began, place = time.monotonic(), Path(out)
    require_valid(golden, accepted)
    adapters = read_adapters(runs)
    first = next(iter(runs.values()))
    network = first.start()
    weights = sum(tensor.numel() * tensor.element_size() for tensor in network.state_dict().values())
    further = GOLDEN_BYTES * (len(runs) - 1) if golden == "photos" else 0
    check_place(place, weights + further + sum(adapter.bytes for adapter in adapters.values()), golden == "photos")
    if on_progress is not None:
        on_progress("exporting", 0, 1)
    model = build_base(network, first.preprocess, adapters.values())
    set_metadata(model, _metadata(first))
    with placed(place) as folder:
        onnx.save(model, folder / n.MODEL_FILE)
        tensors = {
            name: adapter_tensors(adapter, optional_inputs(model), adapter.run.answering(accepted))
            for name, adapter in adapters.items()
        }
        record = _provisional(folder, first, model, network.features)
        records = [_write(folder, name, adapters[name], tensors[name], record, accepted) for name in adapters]
        record = record.model_copy(update={"adapters": tuple(records)})
        write_record(folder, record)
        proof = _Proof(folder, model, golden, accepted, None if all_photos else LIMIT, on_progress)
        session = Session(folder)
        done = [proof.of(adapters[own.name].run, Through(session, own.name), own, tensors[own.name]) for own in records]
        record = record.model_copy(update={"adapters": tuple(done)})
        write_record(folder, record)
        (folder / n.CARD_FILE).write_text(card(record), encoding="utf-8")
    return _exported(place, record, time.monotonic() - began)


@dataclass(frozen=True)
class _Proof:
    """What the gate of every adapter has in common."""

    folder: Path
    model: ModelProto
    golden: Golden
    accepted: float | None
    limit: int | None
    on_progress: Progress | None

    def of(self, run: AdaptedRun, through: Through, record: AdapterRecord, tensors: Tensors) -> AdapterRecord:
        """Return the record with the adapter's proof and golden vectors.

        Raises:
            ParityError: it answers differently from its run.
        """
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
        few = list(read_photos(manifest.root, rows, stratified(rows, GOLDEN_PHOTOS)))
        vectors = write_golden(self.folder / n.GOLDEN_FOLDER / record.name, few, trained, run.classes)
        return found.model_copy(update={"golden": vectors})


def _metadata(first: AdaptedRun) -> dict[str, str]:
    none = Classes(())
    found = metadata(first, "")
    found |= {n.META_SCHEMA: str(ADAPTERS_VERSION), n.META_CLASSES: "[]", n.META_CLASSES_HASH: none.hash}
    return {name: value for name, value in found.items() if name != n.META_FINGERPRINT}


def _provisional(folder: Path, first: AdaptedRun, model: ModelProto, features: int) -> BundleRecord:
    """Return the record of the base alone, which is not valid yet: it has neither classes nor adapters."""
    return BundleRecord.model_construct(
        schema_version=ADAPTERS_VERSION,
        visionft=n.installed_version(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        classes=(),
        classes_hash=Classes(()).hash,
        preprocess=first.preprocess.to_json(),
        backbone=first.settings.backbone,
        weights=weights_record(first.weights_source),
        model=model_record(model, folder / n.MODEL_FILE),
        tensors=adapted_tensors(features),
        agreement=None,
        golden=GoldenRecord(kind="none", n=0),
    )


def _write(
    folder: Path, name: str, adapter: LowRank, tensors: Tensors, base: BundleRecord, accepted: float | None
) -> AdapterRecord:
    place = Path(n.ADAPTER_FOLDER) / f"{name}{n.ADAPTER_SUFFIX}"
    file, run = folder / place, adapter.run
    file.parent.mkdir(exist_ok=True)
    write_adapter_file(file, tensors, base.model.sha256)
    answering = run.answering(accepted)
    return AdapterRecord(
        name=name,
        file=place.as_posix(),
        bytes=file.stat().st_size,
        sha256=digest_of(file),
        rank=adapter.rank,
        classes=run.classes.names,
        classes_hash=run.classes.hash,
        golden=GoldenRecord(kind="none", n=0),
        figures=figures(run),
        provenance=provenance(run, run.manifest().fingerprint),
    ).model_copy(update=fitted(answering, accepted))


def _exported(place: Path, record: BundleRecord, seconds: float) -> Exported:
    """Sum up: the worst of every figure over the adapters."""
    found = [adapter.agreement for adapter in record.adapters if adapter.agreement is not None]
    assert len(found) == len(record.adapters), "a bundle is not placed without its proof"
    return Exported(
        place,
        min(one.agreement for one in found),
        max(one.max_probability_difference for one in found),
        sum(one.n for one in found),
        tuple(tie for one in found for tie in one.near_ties),
        record.model.opset,
        round(seconds, 1),
        tuple(adapter.name for adapter in record.adapters),
    )
