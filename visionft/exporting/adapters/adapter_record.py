"""bundle.json and the metadata of a base for adapters, and the files of these."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from onnx import ModelProto

from visionft.bundle import names as n
from visionft.bundle.load import digest_of
from visionft.bundle.schema import ADAPTERS_VERSION, AdapterRecord, BundleRecord, GoldenRecord, adapted_tensors
from visionft.classes import Classes
from visionft.exporting.adapters.adapter_files import Tensors, write_adapter_file
from visionft.exporting.adapters.lora_runs import AdaptedRun, LowRank
from visionft.exporting.bundle_record import (
    backbone_of,
    figures,
    fitted,
    metadata,
    model_record,
    provenance,
    weights_record,
)
from visionft.metrics import Postprocess


def base_metadata(first: AdaptedRun) -> dict[str, str]:
    """Return metadata_props for the base: what all share, and no classes."""
    none = Classes(())
    found = metadata(first, "")
    found |= {n.META_SCHEMA: str(ADAPTERS_VERSION), n.META_CLASSES: "[]", n.META_CLASSES_HASH: none.hash}
    return {name: value for name, value in found.items() if name != n.META_FINGERPRINT}


def base_record(
    folder: Path, first: AdaptedRun, model: ModelProto, features: int, precision: str = "fp32"
) -> BundleRecord:
    """Return the record of the base alone, which is not valid yet: it has neither classes nor adapters."""
    return BundleRecord.model_construct(
        schema_version=ADAPTERS_VERSION,
        visionft=n.installed_version(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        classes=(),
        classes_hash=Classes(()).hash,
        preprocess=first.preprocess.to_json(),
        backbone=backbone_of(first),
        weights=weights_record(first.weights_source),
        model=model_record(model, folder / n.MODEL_FILE).model_copy(update={"precision": precision}),
        tensors=adapted_tensors(features),
        agreement=None,
        golden=GoldenRecord(kind="none", n=0),
    )


def write_adapter(
    folder: Path,
    name: str,
    adapter: LowRank,
    tensors: Tensors,
    base: BundleRecord,
    answering: Postprocess,
    accepted: float | None,
) -> AdapterRecord:
    """Write an adapter's file and return its record, without a proof yet.

    Args:
        folder: the bundle.
        name: the adapter's.
        adapter: where it comes from.
        tensors: what the file holds.
        base: the record of the base that it was made for.
        answering: what was fitted to the run's photos.
        accepted: share of known photos that the threshold lets pass.
    """
    place = Path(n.ADAPTER_FOLDER) / f"{name}{n.ADAPTER_SUFFIX}"
    file, run = folder / place, adapter.run
    file.parent.mkdir(exist_ok=True)
    write_adapter_file(file, tensors, base.model.sha256)
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
