"""bundle.json and the metadata inside model.onnx, from a run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path, PurePath
from typing import Any, Literal

from onnx import ModelProto
from pydantic import JsonValue

from visionft.bundle import names as n
from visionft.bundle.answers import tensors_of
from visionft.bundle.load import digest_of
from visionft.bundle.schema import BundleRecord, GoldenRecord, ModelRecord, WeightsRecord
from visionft.exporting.onnx_model import opset_of
from visionft.exporting.trained_model import TrainedModel
from visionft.metrics import Postprocess
from visionft.runs import layout
from visionft.runs.run_files import read_json
from visionft.tasks.registry import DEFAULT

UNKNOWN_LICENCE = "unknown"
PRIVATE_SETTINGS = {
    "photos": True, "out": True, "weights": True, "retention": True, "from_run": True, "distill": True, "apply": True,
    "data": {"splits", "taxonomy"},
}  # fmt: skip
"""Settings that hold paths of the machine that trained."""


def metadata(run: TrainedModel, fingerprint: str) -> dict[str, str]:
    """Return metadata_props for the model: enough to serve it without bundle.json."""
    return {
        n.META_SCHEMA: str(version_of(run)),
        n.META_VERSION: n.installed_version(),
        n.META_CLASSES: json.dumps(list(run.classes.names), ensure_ascii=False),
        n.META_CLASSES_HASH: run.classes.hash,
        n.META_PREPROCESS: json.dumps(run.preprocess.to_json()),
        n.META_BACKBONE: backbone_of(run),
        n.META_LICENCE: weights_record(run.weights_source).licence,
        n.META_FINGERPRINT: fingerprint,
    }


def provisional(run: TrainedModel, features: int, model: ModelProto, file: Path, fingerprint: str) -> BundleRecord:
    """Return the record of a bundle whose agreement and golden vectors are still to come."""
    return BundleRecord(
        schema_version=version_of(run),
        task=run.settings.task,
        visionft=n.installed_version(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        classes=run.classes.names,
        classes_hash=run.classes.hash,
        preprocess=run.preprocess.to_json(),
        backbone=backbone_of(run),
        weights=weights_record(run.weights_source),
        model=model_record(model, file),
        tensors=tensors_of(run.settings.task, run.classes, features),
        agreement=None,
        golden=GoldenRecord(kind="none", n=0),
        figures=figures(run),
        provenance=provenance(run, fingerprint),
    )


def version_of(run: TrainedModel) -> Literal[1, 3]:
    """Return the version of a bundle's layout: that of classes, which every reader knows, or a later one."""
    return 1 if run.settings.task == DEFAULT else 3


def backbone_of(run: TrainedModel) -> str:
    """Return timm's name of the backbone: that of a folder is of this machine alone."""
    model = run.weights_source.get("model")
    return str(run.weights_source["name"]) if model else run.settings.backbone


def model_record(model: ModelProto, file: Path) -> ModelRecord:
    """Return size, digest and versions of a model that was written to a file."""
    return ModelRecord(
        bytes=file.stat().st_size, sha256=digest_of(file), opset=opset_of(model), ir_version=model.ir_version
    )


def write_record(folder: Path, record: BundleRecord) -> None:
    """Write bundle.json."""
    (folder / n.RECORD_FILE).write_text(
        json.dumps(record.to_json(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
    )


def write_final_record(folder: Path, record: BundleRecord) -> BundleRecord:
    """Write and return bundle.json as it stays: it says that the bundle has digests, which are written after it."""
    final = record.model_copy(update={"provenance": {**record.provenance, n.LAYOUT: n.KEEPS_DIGESTS}})
    write_record(folder, final)
    return final


def fitted(answering: Postprocess, accepted: float | None) -> dict[str, float | None]:
    """Return what was fitted to validation photos as values of the record."""
    threshold = answering.threshold
    return {
        "temperature": answering.temperature,
        "threshold": threshold,
        "accepted": None if threshold is None else accepted,
        "min_confidence": answering.min_confidence,
    }


def weights_record(source: Mapping[str, Any]) -> WeightsRecord:
    """Return where the pretrained weights came from, without the folders of a local file."""
    location = str(source.get("location") or source.get("name") or "none")
    origin = PurePath(location).name if source.get("kind") == "file" else location
    kind = str(source.get("kind") or "unknown")
    none = "none (trained from scratch)" if kind == "none" else UNKNOWN_LICENCE
    return WeightsRecord(
        kind=kind, licence=str(source.get("licence") or none), origin=origin, sha256=source.get("sha256")
    )


def figures(run: TrainedModel) -> dict[str, JsonValue]:
    """Return the run's own figures and those of each evaluation, without confusion matrices."""
    found: dict[str, JsonValue] = {"training": _plain(run.result)}
    for file in sorted((run.path / layout.EVALUATION).glob("*/metrics.json")):
        found[file.parent.name] = _plain(read_json(file))
    return found


def provenance(run: TrainedModel, fingerprint: str) -> dict[str, JsonValue]:
    """Return data fingerprint, settings, versions and which weights they are; no path and no command line."""
    blend = run.result.get("blend")
    environment = {key: value for key, value in run.environment.items() if key in ("python", "packages", "platform")}
    return {
        "run": run.path.name,
        "data_fingerprint": fingerprint,
        "origin": _nameless(run.origin),
        "teacher": _nameless(run.teacher),
        "settings": public_settings(run),
        "environment": _plain(environment),
        **({"blend": blend["coefficient"]} if blend else {}),
        **({"unfinished": True, "epoch": run.result["epoch"]} if run.result.get("unfinished") else {}),
    }


def public_settings(run: TrainedModel) -> dict[str, JsonValue]:
    """Return the resolved settings without paths of the machine that trained."""
    plain = run.settings.model_dump(mode="json", exclude=PRIVATE_SETTINGS)  # type: ignore[arg-type]  # the stub wants IncEx
    return {**plain, "backbone": backbone_of(run)}


def _nameless(origin: Mapping[str, Any] | None) -> JsonValue:
    """Return the run that this one went on from, and so on back, without the folders of this machine."""
    if origin is None:
        return None
    return {**origin, "path": PurePath(origin["path"]).name, "origin": _nameless(origin.get("origin"))}


def _plain(values: Mapping[str, Any]) -> JsonValue:
    kept = {
        key: _plain(value) if isinstance(value, Mapping) else value
        for key, value in values.items()
        if key not in ("confusion", "quarantine", "left_out", "notes", "subject")  # large, or about this machine
    }
    content: JsonValue = json.loads(json.dumps(kept, default=str))
    return content
