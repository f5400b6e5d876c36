"""What bundle.json holds: the model from which export/bundle.schema.json is generated."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal, Self

from pydantic import Field, JsonValue, model_validator

from visionft.bundle import names
from visionft.bundle.quantization_record import QuantizationRecord
from visionft.bundle.schema_nodes import Count, Digest, Record, Share
from visionft.tasks.registry import DEFAULT, TASKS

SCHEMA_VERSION = 1
"""Raised with every change of bundle.json, of the tensors or of the golden files that an older reader cannot follow."""
ADAPTERS_VERSION = 2
"""Of bundles with adapters, which answer nothing without one; those of one run stay at `SCHEMA_VERSION`."""
TASK_VERSION = 3
"""Of bundles of another task than classification, whose tensors are others."""
VERSIONS = (SCHEMA_VERSION, ADAPTERS_VERSION, TASK_VERSION)
ADAPTER_NAME = "^[A-Za-z0-9][A-Za-z0-9._-]*$"
"""What can be a file's name and an argument everywhere."""


class TensorRecord(Record):
    """One input or output of model.onnx."""

    name: str
    """Name in the graph."""
    direction: Literal["in", "out"]
    """Whether the caller gives it or gets it."""
    dtype: Literal["uint8", "int64", "float32", "bool", "string"]
    """Element type."""
    shape: tuple[int | str, ...]
    """Sizes; a letter stands for a size that each call chooses."""
    meaning: str
    """One sentence."""


class ModelRecord(Record):
    """The file model.onnx."""

    file: Literal["model.onnx"] = "model.onnx"
    """Its name."""
    bytes: Annotated[int, Field(gt=0)]
    """Its size."""
    sha256: Digest
    """Its digest."""
    opset: Annotated[int, Field(ge=18)]
    """Version of ai.onnx that was really written (the exporter may go above the one asked for)."""
    ir_version: Annotated[int, Field(ge=8)]
    """Version of ONNX's file format."""
    precision: Literal["fp32", "fp16", "int8"] = "fp32"
    """Arithmetic of the network half."""
    joint: Literal["pixels"] = "pixels"
    """The tensor that joins the preprocess half to the network half."""


class WeightsRecord(Record):
    """Where the pretrained weights came from, and under which licence."""

    kind: str
    """`hub`, `file` or `none`."""
    licence: str
    """The licence as the source states it."""
    origin: str
    """The address or the name of the file."""
    sha256: str | None = None
    """Digest of the file, where known."""


class NearTie(Record):
    """A photo on which the two models chose different labels of nearly equal probability."""

    photo: str
    """Path relative to the photos' folder."""
    trained: str
    """The trained model's label."""
    exported: str
    """The exported model's label."""
    gap: Share
    """Difference of the trained model's two highest probabilities."""


class AgreementRecord(Record):
    """The exported model beside the trained one (fp32, eager, on CPU) on photos of the validation split."""

    n: Annotated[int, Field(ge=1)]
    """Photos compared, each from its encoded bytes at its own size."""
    agreement: Share
    """Share of them with the same label."""
    max_probability_difference: Share
    """Largest difference of any probability, in any batch size and photo shape."""
    max_known_score_difference: Annotated[float, Field(ge=0.0)] = 0.0
    """Largest difference of the known score, whose spread among known photos is 1 to 2."""
    max_pixel_difference: Annotated[float, Field(ge=0.0)]
    """Largest difference of the preprocess half from its reference, in levels of 255."""
    by_check: dict[str, float]
    """Largest probability difference in each check."""
    near_ties: tuple[NearTie, ...] = ()
    """Every photo whose label differs; of a shrunken model, however far apart the two labels were."""
    unreadable: Count = 0
    """Photos left out because they can no longer be read."""


class TargetRecord(Record):
    """The bundle under the runtime that it was exported for, beside the one of the export."""

    runtime: Annotated[str, Field(pattern="^(onnxruntime|openvino)==")]
    """Name and version, as pip takes them."""
    n: Annotated[int, Field(ge=1)]
    """Photos answered by both, each alone and with its mirror image; of every adapter together."""
    max_probability_difference: Share
    """Largest difference of any probability."""


class GoldenRecord(Record):
    """The golden vectors in golden/."""

    kind: Literal["photos", "none"]
    """`none`: left out, because the photos are private."""
    n: Count
    """Number of golden photos."""
    tolerance: Share = 1e-3
    """Largest difference of a probability that passes; of a shrunken model, twice what rounding did."""
    score_tolerance: Annotated[float, Field(ge=0.0)] = 1e-2
    """Largest difference of logits, embedding and known score that passes, relative to the largest where above 1."""


class AdapterRecord(Record):
    """One adapter: everything that is its own beside the base that it shares with others."""

    name: Annotated[str, Field(pattern=ADAPTER_NAME)]
    """What a caller asks for."""
    file: Annotated[str, Field(pattern=r"^adapters/[A-Za-z0-9][A-Za-z0-9._-]*\.onnx_adapter$")]
    """Its file in the bundle, in onnxruntime's adapter format."""
    bytes: Annotated[int, Field(gt=0)]
    """Size of the file."""
    sha256: Digest
    """Its digest."""
    rank: Annotated[int, Field(ge=0)]
    """Largest rank of its updates."""
    classes: Annotated[tuple[str, ...], Field(min_length=1)]
    """Class names; their order gives the class index."""
    classes_hash: Digest
    """SHA-256 of the class names joined by line feeds, UTF-8."""
    temperature: Annotated[float, Field(gt=0.0)] = 1.0
    """Its logits are divided by this; an input of the graph, which the file brings."""
    threshold: float | None = None
    """Photos with a lower `known_score` are unknown; null: there is none."""
    accepted: Share | None = None
    """Share of known photos that the threshold accepts; null: there is no threshold."""
    agreement: AgreementRecord | None = None
    """Its proof beside its own run; null only while the export is at work."""
    shrunken: QuantizationRecord | None = None
    """How the base was made smaller and what its gates measured through this adapter; null: it is in fp32."""
    golden: GoldenRecord
    """Its golden vectors, in golden/NAME/."""
    figures: dict[str, JsonValue] = Field(default={})
    """Every figure measured on its run."""
    provenance: dict[str, JsonValue] = Field(default={})
    """Where it comes from: data fingerprint, settings, versions."""


class BundleRecord(Record):
    """The whole of bundle.json."""

    schema_version: Literal[1, 2, 3] = 1
    """Version of this layout: 2 for a bundle with adapters, 3 for one of another task than classification, else 1."""
    visionft: str
    """Version of visionft that wrote the bundle."""
    created: str
    """Time of the export, ISO 8601, UTC."""
    task: str = DEFAULT
    """What is answered; absent in a bundle of version 1 or 2, which answers with classes."""
    classes: tuple[str, ...]
    """Class names; their order gives the class index. Empty in a bundle with adapters, each of which has its own, and
    in one of a task without classes."""
    classes_hash: Digest
    """SHA-256 of the class names joined by line feeds, UTF-8."""
    preprocess: dict[str, JsonValue]
    """The evaluation transform as data; the graph already holds it."""
    temperature: Annotated[float, Field(gt=0.0)] = 1.0
    """Logits are divided by this before the softmax; fitted to validation photos, 1 where they were too few."""
    threshold: float | None = None
    """Photos with a lower `known_score` are unknown; null: there is none, and nothing is unknown."""
    accepted: Share | None = None
    """Share of known photos that the threshold accepts, by the validation photos; null: there is no threshold."""
    min_confidence: Share | None = None
    """Probability from which an answer is as deep as it is, of a task that answers at several levels; else absent."""
    backbone: str
    """timm's name of the network."""
    weights: WeightsRecord
    """The pretrained weights that training started from."""
    model: ModelRecord
    """The model's file."""
    shrunken: QuantizationRecord | None = None
    """How the network half was made smaller; null: it is the trained one in fp32."""
    tensors: tuple[TensorRecord, ...]
    """Inputs and outputs of the graph."""
    agreement: AgreementRecord | None
    """The export's own proof; null while the export is at work, and where `parity` is the proof."""
    parity: dict[str, JsonValue] | None = None
    """The proof of another task than classification, in its own terms; absent in a bundle of version 1 or 2."""
    target: TargetRecord | None = None
    """The runtime that it was exported for and tried under; null: the one of the export, and later ones."""
    golden: GoldenRecord
    """The golden vectors."""
    figures: dict[str, JsonValue] = Field(default={})
    """Every figure measured on the trained model."""
    provenance: dict[str, JsonValue] = Field(default={})
    """Where the model comes from: data fingerprint, counts, settings, versions."""
    adapters: tuple[AdapterRecord, ...] = ()
    """The adapters on this base; empty: the bundle is that of one run and answers by itself."""

    @model_validator(mode="after")
    def _either(self) -> Self:
        if self.task not in TASKS:
            raise ValueError(f"its task is {self.task!r}, which this visionft does not know")
        if (self.schema_version == TASK_VERSION) != (self.task != DEFAULT):
            raise ValueError("a bundle of another task than classification has version 3")
        if self.task == DEFAULT and (
            bool(self.adapters) == bool(self.classes)
            or (self.schema_version == ADAPTERS_VERSION) != bool(self.adapters)
        ):
            raise ValueError("a bundle has classes (version 1) or adapters (version 2)")
        if len({adapter.name for adapter in self.adapters}) < len(self.adapters):
            raise ValueError("two adapters have one name")
        return self

    def to_json(self) -> dict[str, Any]:
        """Return the text's values; what older readers do not know stands only where they cannot read the rest."""
        later = {"task", "parity"} if self.schema_version < TASK_VERSION else set[str]()
        later |= {"min_confidence"} if self.min_confidence is None else set()
        return self.model_dump(mode="json", exclude=later)


def tensors(classes: int | str, features: int) -> tuple[TensorRecord, ...]:
    """Return the tensor table of a network with `classes` classes and an embedding of `features` numbers."""
    rows: tuple[tuple[str, str, str, tuple[int | str, ...], str], ...] = (
        (names.IMAGE, "in", "uint8", ("N", "H", "W", 3), "RGB photos of one size, any N, H and W from 1 up."),
        (names.LABEL, "out", "string", ("N",), "Name of the class."),
        (names.CLASS_INDEX, "out", "int64", ("N",), "Index into the classes."),
        (names.PROBABILITY, "out", "float32", ("N",), "Calibrated probability of the label."),
        (names.PROBABILITIES, "out", "float32", ("N", classes), "Calibrated probability of every class."),
        (names.LOGITS, "out", "float32", ("N", classes), "Raw scores before temperature and softmax."),
        (names.EMBEDDING, "out", "float32", ("N", features), "Features before the head, of Euclidean length 1."),
        (
            names.KNOWN_SCORE,
            "out",
            "float32",
            ("N",),
            "Higher is more surely one of the classes: largest logit and nearness to a class mean.",
        ),
        (
            names.UNKNOWN,
            "out",
            "bool",
            ("N",),
            "Whether known_score is below the threshold; never where there is none.",
        ),
    )
    keys = ("name", "direction", "dtype", "shape", "meaning")
    return tuple(TensorRecord.model_validate(dict(zip(keys, row, strict=True))) for row in rows)


def adapted_tensors(features: int) -> tuple[TensorRecord, ...]:
    """Return the tensor table of a base for adapters: as many classes as the adapter has, and no label."""
    return tuple(row for row in tensors(names.CLASS_COUNT, features) if row.name != names.LABEL)


def json_schema() -> str:
    """Return the JSON Schema of bundle.json, the text of export/bundle.schema.json."""
    schema: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **BundleRecord.model_json_schema(mode="serialization"),
    }
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
