"""From a run to a bundle that provably answers like the trained model."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import Any

from visionft.bundle.quantization_record import QuantizationRecord
from visionft.bundle.schema import BundleRecord, NearTie, TargetRecord
from visionft.exporting.bundle_folder import check_place, placed, written
from visionft.exporting.bundle_record import metadata
from visionft.exporting.draft import Draft
from visionft.exporting.model_card import sentences, tried
from visionft.exporting.onnx_model import OPSET, build, set_metadata
from visionft.exporting.onnx_size import require_small
from visionft.exporting.quantization.quantize import quantize, wanted_of
from visionft.exporting.reference_answers import Truth
from visionft.exporting.shipping import shipping_of
from visionft.exporting.stage_parity import Progress
from visionft.exporting.target import OpenVino, Runtime
from visionft.exporting.trained_model import TrainedModel
from visionft.photos import Account
from visionft.settings import ExportSettings

DEFAULTS = ExportSettings()


@dataclass(frozen=True)
class Exported:
    """A bundle on disk and its proof.

    Attributes:
        bundle: its folder.
        agreement: share of photos with the same label as from the trained model, in [0, 1].
        max_probability_difference: largest difference of any probability.
        n: photos compared.
        near_ties: photos whose label differs, each between two labels of nearly equal probability.
        opset: version of ai.onnx in the file.
        seconds: time the export took.
        shrunken: how the network half was made smaller; None: it is in fp32.
        target: the other runtime that it was written for and tried under.
        notes: what the user should know.
        adapters: names of the adapters, where there are some; the figures above are then the worst of theirs.
        account: of the run's photos that the check could have been made on; None where several runs have theirs.
        unfinished: epoch of the weights, where they are the best so far of a run that is not finished.
        parity: the proof of another task than classification, which has no labels to agree on, in its own terms.
    """

    bundle: Path
    agreement: float | None = None
    max_probability_difference: float | None = None
    n: int = 0
    near_ties: tuple[NearTie, ...] = ()
    opset: int = OPSET
    seconds: float = 0.0
    shrunken: QuantizationRecord | None = None
    notes: tuple[str, ...] = ()
    adapters: tuple[str, ...] = ()
    target: TargetRecord | None = None
    account: Account | None = None
    unfinished: int | None = None
    parity: Mapping[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """Return plain values, the line of `--json`."""
        if self.parity is not None:
            more: dict[str, Any] = {} if self.unfinished is None else {"unfinished": True, "epoch": self.unfinished}
            more |= {} if self.account is None else {"account": self.account.to_json()}
            kept = {"bundle": str(self.bundle), "opset": self.opset, "seconds": self.seconds, "n": self.n}
            return {**kept, "parity": dict(self.parity), **more, "notes": list(self.notes)}
        plain = {
            name: getattr(self, name) for name in ("agreement", "max_probability_difference", "n", "opset", "seconds")
        }
        more = {"adapters": list(self.adapters)} if self.adapters else {}
        more |= {} if self.shrunken is None else {"shrunken": self.shrunken.model_dump(mode="json")}
        more |= {} if self.unfinished is None else {"unfinished": True, "epoch": self.unfinished}
        more |= {} if self.target is None else {"target": self.target.model_dump(mode="json")}
        more |= {} if self.account is None else {"account": self.account.to_json()}
        ties = [tie.model_dump() for tie in self.near_ties]
        return {"bundle": str(self.bundle), **plain, "near_ties": ties, **more, "notes": list(self.notes)}

    def __str__(self) -> str:
        count = f", {len(self.adapters)} adapters: {', '.join(self.adapters)}" if self.adapters else ""
        missing = f", {self.account.headline}" if self.account and self.account.headline else ""
        place = f"bundle {self.bundle} (opset {self.opset}{count}){missing}"
        if self.parity is not None:
            return "\n".join([f"{place}: {self.parity['sentence']}", *self.notes])
        trained = "its trained model on at least" if self.adapters else "the trained model on"
        share = f"the same label as {trained} {self.agreement:.2%} of {self.n:,} photos"
        lines = [f"{place}: {share}, probabilities at most {self.max_probability_difference:.2g} apart"]
        lines += [] if self.target is None else [tried(self.target)]
        if self.shrunken is not None:
            return "\n".join([*lines, *sentences(self.shrunken), *self.notes])
        ties = (
            f"near tie: {tie.photo}, {tie.trained!r} became {tie.exported!r}, {tie.gap:.2g} apart"
            for tie in self.near_ties
        )
        return "\n".join([*lines, *ties, *self.notes])

    def _repr_html_(self) -> str:
        return f"<pre>{escape(str(self))}</pre>"


def export(
    run: TrainedModel,
    out: str | Path,
    settings: ExportSettings = DEFAULTS,
    *,
    runtime: Runtime | OpenVino | None = None,
    on_progress: Progress | None = None,
) -> Exported:
    """Write the run as a bundle, once it has answered the run's validation photos like the trained model.

    Args:
        run: the trained model.
        out: the bundle's folder; an older bundle there is replaced at the end, in one step.
        settings: what the bundle shall be; the target stands in `runtime`.
        runtime: another onnxruntime, or OpenVINO, that the bundle is written for and that must answer like the one
            here.
        on_progress: called with the stage, how many photos are done and how many there are.

    Raises:
        ParityError: the exported model answers differently; nothing is left on disk.
        PrecisionError: a gate of the shrunken model failed; nothing is left on disk.
        BundleError: the place is taken.
        DiskSpaceError: the disk is too full.
        BackboneError: the network cannot be written as ONNX, or is too large for one file.
    """
    began, place = time.monotonic(), Path(out)
    wanted = wanted_of(settings)
    network, answering = run.network().eval(), run.answering(settings.accept)
    if settings.min_confidence is not None:
        answering = replace(answering, min_confidence=settings.min_confidence)
    require_small(network)
    trained = Truth(network, run.preprocess, answering)
    check_place(
        place, sum(t.numel() * t.element_size() for t in network.state_dict().values()), settings.golden == "photos"
    )
    manifest = run.manifest()
    if on_progress is not None:
        on_progress("exporting", 0, 1)
    task, opset = run.settings.task, runtime.target.opset if runtime else OPSET
    model = build(network, run.preprocess, run.classes, answering, opset, task, shipping_of(task).append)
    with written(place):
        found = None if wanted is None else quantize(model, trained, manifest, run.classes, wanted, on_progress)
    model = model if found is None else found.model
    set_metadata(model, metadata(run, manifest.fingerprint))
    draft = Draft(run, trained, manifest, model, found, settings, runtime, on_progress)
    with placed(place) as folder:
        record = draft.write(folder)
    return _exported(place, record, () if found is None else found.notes, time.monotonic() - began)


def _exported(place: Path, record: BundleRecord, notes: tuple[str, ...], seconds: float) -> Exported:
    proof = shipping_of(record.task).proof(record)
    return Exported(
        place,
        opset=record.model.opset,
        seconds=round(seconds, 1),
        shrunken=record.shrunken,
        notes=notes,
        target=record.target,
        **proof,
    )
