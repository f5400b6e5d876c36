"""Opening a bundle: every way in which it can be wrong ends in one sentence."""

from __future__ import annotations

import hashlib
import math
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import JsonValue, ValidationError

from visionft.bundle.answers import Answers, answers_of
from visionft.bundle.external_data import require_self_contained
from visionft.bundle.names import KEEPS_DIGESTS, LAYOUT, MODEL_FILE, RECORD_FILE
from visionft.bundle.schema import VERSIONS, AdapterRecord, BundleRecord, ModelRecord
from visionft.classes import Classes
from visionft.errors import BundleError, UsageError, VisionftError
from visionft.files.digests import NAME as DIGESTS
from visionft.files.digests import Digests
from visionft.files.safe_json import parse_object, read_object
from visionft.files.safe_open import MISSING, MODEL_BYTES, UnreadableError, entry_of, entry_of_bytes, read_bytes
from visionft.preprocess import Preprocess
from visionft.wording.lists import some


@dataclass(frozen=True)
class Bundle:
    """A bundle on disk whose record was read and found whole.

    Attributes:
        path: its folder.
        record: bundle.json.
    """

    path: Path
    record: BundleRecord

    @classmethod
    def open(cls, path: str | Path) -> Bundle:
        """Read and check a folder that `visionft export` wrote; BundleError if it is missing, damaged or foreign."""
        folder = Path(path)
        _require_files(folder)
        bundle = cls(folder, _read_record(folder / RECORD_FILE))
        if _lost_digests(bundle):
            raise damaged(folder / DIGESTS, MISSING)
        _check_classes(bundle)
        _check_file(bundle, MODEL_FILE, bundle.record.model)
        for adapter in bundle.record.adapters:
            _check_file(bundle, adapter.file, adapter)
        _check_model(bundle)
        return bundle

    @property
    def model(self) -> Path:
        """The ONNX file."""
        return self.path / MODEL_FILE

    @property
    def adapters(self) -> tuple[str, ...]:
        """Names of its adapters; each answer needs one of them. None: the bundle is that of one run."""
        return tuple(adapter.name for adapter in self.record.adapters)

    def model_sha256(self, adapter: str | None = None) -> str:
        """SHA-256 of the model, with that of one of its `adapters`: what its answers hang on."""
        digest = self.record.model.sha256
        if adapter is None:
            return digest
        own = next(each.sha256 for each in self.record.adapters if each.name == adapter)
        return hashlib.sha256(f"{digest} {own}".encode()).hexdigest()

    def chosen(self, adapter: str | None) -> Bundle:
        """Return the bundle as it is with an adapter: classes, temperature, threshold and figures are the adapter's.

        Args:
            adapter: one of `adapters`; None for a bundle without, which is returned as it is.

        Raises:
            UsageError: there are adapters and none of them is named, or the other way round.
        """
        known = {record.name: record for record in self.record.adapters}
        if adapter is None and not known:
            return self
        if adapter is None or adapter not in known:
            raise _no_adapter(self, adapter)
        own = {
            name: getattr(known[adapter], name)
            for name in AdapterRecord.model_fields.keys() & BundleRecord.model_fields.keys()
        }
        return Bundle(self.path, self.record.model_copy(update={**own, "adapters": ()}))

    def adapter_file(self, adapter: str) -> Path:
        """Return the file of an adapter."""
        return self.path / next(record.file for record in self.record.adapters if record.name == adapter)

    @property
    def answers(self) -> Answers:
        """What it answers with."""
        return answers_of(self.record.task)

    @cached_property
    def classes(self) -> Classes:
        """The classes, in the order of the graph's outputs; UsageError where each adapter has its own."""
        return Classes(self.chosen(None).record.classes)

    @cached_property
    def preprocess(self) -> Preprocess:
        """The evaluation transform that the graph holds."""
        return Preprocess.from_json(dict(self.record.preprocess))

    @property
    def temperature(self) -> float:
        """What logits are divided by before the softmax."""
        return self.record.temperature

    @property
    def threshold(self) -> float:
        """The `known_score` below which a photo is unknown; minus infinity where there is none."""
        return -math.inf if self.record.threshold is None else self.record.threshold

    @property
    def figures(self) -> dict[str, JsonValue]:
        """The figures measured on the trained model."""
        return self.record.figures

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        """Show the bundle in a notebook."""
        from html import escape

        return f"<pre>{escape(str(self))}</pre>"

    def __str__(self) -> str:
        record, agreement = self.record, self.record.agreement
        proof = (
            "" if agreement is None else f", labels as trained on {agreement.agreement:.2%} of {agreement.n:,} photos"
        )
        size = f"{record.model.bytes / 1e6:.1f} MB"
        if record.adapters:
            each = ", ".join(f"{adapter.name} with {len(adapter.classes)} classes" for adapter in record.adapters)
            return f"bundle {self.path}: {record.backbone}, {size}, {len(record.adapters)} adapters ({each})"
        return f"bundle {self.path}: {record.backbone}, {self.answers.subject(len(record.classes))}, {size}{proof}"


def _no_adapter(bundle: Bundle, adapter: str | None) -> UsageError:
    names = ", ".join(bundle.adapters)
    if adapter is None:
        return UsageError(f"the bundle {bundle.path} answers through adapters and none was named: give one of {names}")
    if not names:
        return UsageError(f"the bundle {bundle.path} has no adapters and {adapter!r} was asked for: leave it out")
    return UsageError(f"the bundle {bundle.path} has no adapter {adapter!r}: give one of {names}")


def is_bundle(path: str | Path) -> bool:
    """Whether the folder holds a bundle.json of ours, whole or not: what export may replace and predict may open."""
    try:
        content = read_object(Path(path) / RECORD_FILE, inside=Path(path))
    except UnreadableError:
        return False
    return {"visionft", "schema_version"} <= content.keys()


def _require_files(folder: Path) -> None:
    if not folder.exists():
        raise BundleError(f"there is no bundle {folder}: give the folder that `visionft export` wrote")
    if not folder.is_dir():
        raise BundleError(f"{folder} is a file, not a bundle: give the folder that `visionft export` wrote")
    if not os.path.lexists(folder / RECORD_FILE):
        if os.path.lexists(folder / "settings.yaml"):
            raise BundleError(f"{folder} is a run, not a bundle: write one with `visionft export {folder}`")
        raise BundleError(
            f"{folder} is not a bundle (it has no {RECORD_FILE}): give the folder that `visionft export` wrote"
        )
    if not os.path.lexists(folder / MODEL_FILE):
        raise BundleError(
            f"the bundle {folder} is incomplete (it has no {MODEL_FILE}): copy it again or export it again"
        )


def _read_record(path: Path) -> BundleRecord:
    content = _read_json(path)
    version = content.get("schema_version")
    if version not in VERSIONS:
        known = some(map(str, VERSIONS))
        raise BundleError(
            f"the bundle {path.parent} has schema version {version!r} and this visionft reads {known}: "
            "use the visionft that wrote it, or export the run again"
        )
    try:
        return BundleRecord.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "adapters"
        raise BundleError(
            f"{path} is damaged ({where}: {first['msg']}): copy the bundle again or export it again"
        ) from error


def _read_json(path: Path) -> dict[str, Any]:
    folder = path.parent
    try:
        content = read_bytes(path, inside=folder)
        if (digests := _read_digests(folder)) is not None:
            digests.require(path.name, entry_of_bytes(content))
        return parse_object(content)
    except UnreadableError as error:
        raise damaged(path, error.reason) from error


def _read_digests(folder: Path) -> Digests | None:
    """Return the digests of the bundle's files; None where it is of a version that wrote none."""
    if not os.path.lexists(folder / DIGESTS):
        return None
    try:
        return Digests.read(folder, inside=folder)
    except UnreadableError as error:
        raise damaged(folder / DIGESTS, error.reason) from error


def _lost_digests(bundle: Bundle) -> bool:
    """Tell whether a bundle had digests and has none: then nothing says that bundle.json is as it was written."""
    version = bundle.record.provenance.get(LAYOUT, 1)
    keeps = not isinstance(version, int) or version >= KEEPS_DIGESTS
    return keeps and not os.path.lexists(bundle.path / DIGESTS)


def _check_classes(bundle: Bundle) -> None:
    views = [bundle.chosen(name) for name in bundle.adapters] or [bundle]
    if not all(_same_classes(view) for view in views):
        raise BundleError(
            f"the classes in {bundle.path / RECORD_FILE} do not match their hash, so labels could be wrong: "
            "undo the edit, copy the bundle again or export it again"
        )
    try:
        _ = bundle.preprocess
    except (VisionftError, ValueError, TypeError, KeyError) as error:
        where = bundle.path / RECORD_FILE
        raise BundleError(f"{where} is damaged (preprocess): copy the bundle again or export it again") from error


def _same_classes(view: Bundle) -> bool:
    try:
        return view.classes.hash == view.record.classes_hash
    except ValueError:
        return False


def _check_file(bundle: Bundle, name: str, expected: ModelRecord | AdapterRecord) -> None:
    """Compare size and digest: a flipped bit would load and answer wrongly."""
    file = bundle.path / name
    if not os.path.lexists(file):
        raise BundleError(f"the bundle's {file} is missing: copy the bundle again or export it again")
    try:
        found = entry_of(file, MODEL_BYTES, inside=bundle.path)
    except UnreadableError as error:
        raise damaged(file, error.reason) from error
    if (found.bytes, found.sha256) != (expected.bytes, expected.sha256):
        raise damaged(file, f"{found.bytes:,} bytes, exported as {expected.bytes:,} with another digest")


def _check_model(bundle: Bundle) -> None:
    """Refuse a graph that would read other files than the bundle's: onnxruntime opens them with our rights."""
    try:
        require_self_contained(bundle.model)
    except UnreadableError as error:
        raise damaged(bundle.model, error.reason) from error


def damaged(file: Path, reason: str) -> BundleError:
    """Return the error that says so."""
    return BundleError(f"{file} is damaged ({reason}): copy the bundle again or export it again")


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    return entry_of(path).sha256
