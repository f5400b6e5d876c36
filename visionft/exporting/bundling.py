"""From a run to a bundle that provably answers like the trained model."""

from __future__ import annotations

import time
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, Literal

from visionft.bundle.schema import BundleRecord, NearTie, TargetRecord
from visionft.bundle.shrunken import ShrunkenRecord
from visionft.errors import UsageError
from visionft.exporting.card import sentences, tried
from visionft.exporting.draft import Draft, Golden
from visionft.exporting.onnx_model import OPSET, build, set_metadata
from visionft.exporting.parity import Progress
from visionft.exporting.placing import check_place, placed
from visionft.exporting.record import metadata
from visionft.exporting.reference import Truth
from visionft.exporting.sampling import LIMIT
from visionft.exporting.shrinking.gates import MAX_LOSS
from visionft.exporting.shrinking.shrink import shrink, wanted_of
from visionft.exporting.sizing import require_small
from visionft.exporting.target import Runtime
from visionft.exporting.trained import TrainedModel
from visionft.runs.calibration import ACCEPTED


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
    """

    bundle: Path
    agreement: float
    max_probability_difference: float
    n: int
    near_ties: tuple[NearTie, ...]
    opset: int
    seconds: float
    shrunken: ShrunkenRecord | None = None
    notes: tuple[str, ...] = ()
    adapters: tuple[str, ...] = ()
    target: TargetRecord | None = None

    def to_json(self) -> dict[str, Any]:
        """Return plain values, the line of `--json`."""
        plain = {
            name: getattr(self, name) for name in ("agreement", "max_probability_difference", "n", "opset", "seconds")
        }
        more: dict[str, Any] = {"adapters": list(self.adapters)} if self.adapters else {}
        more |= {} if self.shrunken is None else {"shrunken": self.shrunken.model_dump(mode="json")}
        more |= {} if self.target is None else {"target": self.target.model_dump(mode="json")}
        ties = [tie.model_dump() for tie in self.near_ties]
        return {"bundle": str(self.bundle), **plain, "near_ties": ties, **more, "notes": list(self.notes)}

    def __str__(self) -> str:
        count = f", {len(self.adapters)} adapters: {', '.join(self.adapters)}" if self.adapters else ""
        place = f"bundle {self.bundle} (opset {self.opset}{count})"
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
    *,
    golden: Golden = "photos",
    accepted: float | None = ACCEPTED,
    all_photos: bool = False,
    precision: Literal["fp32", "fp16", "int8"] = "fp32",
    max_loss: float = MAX_LOSS,
    allow: Literal["slower"] | None = None,
    runtime: Runtime | None = None,
    on_progress: Progress | None = None,
) -> Exported:
    """Write the run as a bundle, once it has answered the run's validation photos like the trained model.

    Args:
        run: the trained model.
        out: the bundle's folder; an older bundle there is replaced at the end, in one step.
        golden: `none` leaves the golden photos out, for private ones.
        accepted: share of known photos that the threshold lets pass, in (0, 1); None: no photo is called unknown.
        all_photos: check on every validation photo instead of 2,000, spread over the classes.
        precision: arithmetic of the network half; a smaller one must pass three gates: accuracy, speed, size.
        max_loss: points of top-1 under which a shrunken model's loss must lie with 95 % certainty, in (0, 100].
        allow: `slower` lets a shrunken model pass that is not faster here.
        runtime: another onnxruntime that the bundle is written for, and that must answer like the one here.
        on_progress: called with the stage, how many photos are done and how many there are.

    Raises:
        ParityError: the exported model answers differently; nothing is left on disk.
        PrecisionError: a gate of the shrunken model failed; nothing is left on disk.
        BundleError: the place is taken.
        DiskSpaceError: the disk is too full.
        BackboneError: the network cannot be written as ONNX, or is too large for one file.
    """
    began, place = time.monotonic(), Path(out)
    require_valid(golden, accepted)
    limit = None if all_photos else LIMIT
    wanted = None if precision == "fp32" else wanted_of(precision, max_loss, allow, accepted, limit)
    network, answering = run.network().eval(), run.answering(accepted)
    require_small(network)
    trained = Truth(network, run.preprocess, answering)
    check_place(place, sum(t.numel() * t.element_size() for t in network.state_dict().values()), golden == "photos")
    manifest = run.manifest()
    if on_progress is not None:
        on_progress("exporting", 0, 1)
    model = build(network, run.preprocess, run.classes, answering, runtime.target.opset if runtime else OPSET)
    found = None if wanted is None else shrink(model, trained, manifest, run.classes, wanted, on_progress)
    model = model if found is None else found.model
    set_metadata(model, metadata(run, manifest.fingerprint))
    draft = Draft(run, trained, manifest, model, found, golden, accepted, precision, limit, runtime, on_progress)
    with placed(place) as folder:
        record = draft.write(folder)
    return _exported(place, record, () if found is None else found.notes, time.monotonic() - began)


def require_valid(golden: str, accepted: float | None) -> None:
    """Raise UsageError where one of these arguments of an export is none of its values."""
    if golden not in ("photos", "none"):
        raise UsageError(f"golden is {golden!r}: give 'photos' or 'none'")
    if accepted is not None and not 0 < accepted < 1:
        raise UsageError(f"accept is {accepted}: give a share between 0 and 1, such as 0.95, or none")


def _exported(place: Path, record: BundleRecord, notes: tuple[str, ...], seconds: float) -> Exported:
    found = record.agreement
    assert found is not None, "a bundle is not placed without its proof"
    return Exported(
        place,
        found.agreement,
        found.max_probability_difference,
        found.n,
        found.near_ties,
        record.model.opset,
        round(seconds, 1),
        record.shrunken,
        notes,
        target=record.target,
    )
