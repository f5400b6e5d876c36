"""From low-rank runs to one bundle: a base, and an adapter for each that provably answers like its run."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from pathlib import Path

import onnx

from visionft.backbones import Network
from visionft.bundle import names as n
from visionft.bundle.schema import BundleRecord, TargetRecord
from visionft.exporting.adapter_card import card
from visionft.exporting.adapter_files import adapter_tensors, optional_inputs
from visionft.exporting.adapter_graph import build_base
from visionft.exporting.adapter_proof import Gate, Through
from visionft.exporting.adapter_record import base_metadata, base_record, write_adapter
from visionft.exporting.adapting import AdaptedRun, LowRank, read_adapters
from visionft.exporting.bundling import Exported, Golden, require_valid
from visionft.exporting.onnx_model import set_metadata
from visionft.exporting.parity import STAGE_PHOTOS, Progress
from visionft.exporting.placing import GOLDEN_BYTES, check_place, placed
from visionft.exporting.record import write_record
from visionft.exporting.sampling import LIMIT, SPLIT, read_photos, stratified
from visionft.exporting.target import Allowed, Runtime, prove
from visionft.runs.calibration import ACCEPTED
from visionft.serving import Session


def export_adapters(
    runs: Mapping[str, AdaptedRun],
    out: str | Path,
    *,
    golden: Golden = "photos",
    accepted: float | None = ACCEPTED,
    all_photos: bool = False,
    runtime: Runtime | None = None,
    on_progress: Progress | None = None,
) -> Exported:
    """Write runs of LoRA as one bundle, once each adapter has answered its run's validation photos like its run.

    Args:
        runs: by the names that the adapters shall have.
        out: the bundle's folder; an older bundle there is replaced at the end, in one step.
        golden: `none` leaves the golden photos out, for private ones.
        accepted: share of known photos that each threshold lets pass, in (0, 1); None: no photo is called unknown.
        all_photos: check on every validation photo instead of 2,000 a run.
        runtime: another onnxruntime that the bundle is written for, and that must answer like the one here.
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
    check_place(place, _bytes(network, adapters.values(), golden), golden == "photos")
    if on_progress is not None:
        on_progress("exporting", 0, 1)
    model = build_base(network, first.preprocess, adapters.values())
    set_metadata(model, base_metadata(first))
    with placed(place) as folder:
        onnx.save(model, folder / n.MODEL_FILE)
        base = base_record(folder, first, model, network.features)
        gate = Gate(folder, model, golden, accepted, None if all_photos else LIMIT, on_progress)
        record = _proved(base, adapters, gate)
        if runtime is not None:
            write_record(folder, record)
            record = record.model_copy(update={"target": _tried(runtime, folder, adapters)})
        write_record(folder, record)
        (folder / n.CARD_FILE).write_text(card(record), encoding="utf-8")
    return _exported(place, record, time.monotonic() - began)


def _bytes(network: Network, adapters: Iterable[LowRank], golden: Golden) -> int:
    """Return what the bundle takes at most, but for the golden photos of one adapter."""
    weights = sum(tensor.numel() * tensor.element_size() for tensor in network.state_dict().values())
    each = [adapter.bytes + (GOLDEN_BYTES if golden == "photos" else 0) for adapter in adapters]
    return int(weights + sum(each) - (GOLDEN_BYTES if golden == "photos" else 0))


def _proved(base: BundleRecord, adapters: Mapping[str, LowRank], gate: Gate) -> BundleRecord:
    """Write every adapter's file, and prove each through the one session that opens them all."""
    inputs = optional_inputs(gate.model)
    tensors = {
        name: adapter_tensors(adapter, inputs, adapter.run.answering(gate.accepted))
        for name, adapter in adapters.items()
    }
    written = [
        write_adapter(gate.folder, name, adapter, tensors[name], base, gate.accepted)
        for name, adapter in adapters.items()
    ]
    record = base.model_copy(update={"adapters": tuple(written)})
    write_record(gate.folder, record)
    session = Session(gate.folder)
    proved = [gate.of(adapters[own.name].run, Through(session, own.name), own, tensors[own.name]) for own in written]
    return record.model_copy(update={"adapters": tuple(proved)})


def _tried(runtime: Runtime, folder: Path, adapters: Mapping[str, LowRank]) -> TargetRecord:
    """Ask some photos of every adapter under the target, and sum up."""
    session, found = Session(folder), list[TargetRecord]()
    for name, adapter in adapters.items():
        manifest = adapter.run.manifest()
        rows = manifest.rows(SPLIT)
        photos = list(read_photos(manifest.root, rows, stratified(rows, STAGE_PHOTOS)))
        found.append(prove(runtime, Through(session, name), photos, Allowed(), session.bundle.adapter_file(name)))
    worst = max(one.max_probability_difference for one in found)
    return found[0].model_copy(update={"n": sum(one.n for one in found), "max_probability_difference": worst})


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
        adapters=tuple(adapter.name for adapter in record.adapters),
        target=record.target,
    )
