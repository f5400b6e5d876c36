"""From low-rank runs to one bundle: a base, and an adapter for each that provably answers like its run."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import onnx

from visionft.backbones import Network
from visionft.bundle import names as n
from visionft.bundle.schema import BundleRecord, TargetRecord
from visionft.errors import UsageError
from visionft.exporting.adapters.adapter_card import card
from visionft.exporting.adapters.adapter_files import adapter_tensors, optional_inputs
from visionft.exporting.adapters.adapter_graph import build_base
from visionft.exporting.adapters.adapter_parity import Gate, Through
from visionft.exporting.adapters.adapter_record import base_metadata, base_record, write_adapter
from visionft.exporting.adapters.int8_base import SmallBase, quantize_base
from visionft.exporting.adapters.lora_runs import AdaptedRun, LowRank, read_adapters
from visionft.exporting.bundle_folder import GOLDEN_BYTES, check_place, placed, written
from visionft.exporting.bundle_record import write_final_record, write_record
from visionft.exporting.draft import Golden
from visionft.exporting.export_bundle import DEFAULTS, Exported
from visionft.exporting.model_card import sentences
from visionft.exporting.onnx_model import set_metadata
from visionft.exporting.onnx_size import require_small
from visionft.exporting.parity_photos import limit_of, sample
from visionft.exporting.quantization.accuracy import tolerances
from visionft.exporting.quantization.quantize import Wanted, wanted_of
from visionft.exporting.stage_parity import STAGE_PHOTOS, Progress
from visionft.exporting.target import Allowed, Runtime, prove
from visionft.serving import Session
from visionft.settings import ExportSettings


def export_adapters(
    runs: Mapping[str, AdaptedRun],
    out: str | Path,
    settings: ExportSettings = DEFAULTS,
    *,
    runtime: Runtime | None = None,
    on_progress: Progress | None = None,
) -> Exported:
    """Write runs of LoRA as one bundle, once each adapter has answered its run's validation photos like its run.

    Args:
        runs: by the names that the adapters shall have.
        out: the bundle's folder; an older bundle there is replaced at the end, in one step.
        settings: what the bundle shall be; the precision is the base's, and in int8 every adapter must pass the gates.
        runtime: another onnxruntime that the bundle is written for, and that must answer like the one here.
        on_progress: called with the stage, how many photos are done and how many there are.

    Raises:
        UsageError: there is no run, a name cannot be a file's, or the precision is none for a base.
        RunError: a run is no plain LoRA with a linear head, or its base is another than the first one's.
        PrecisionError: a gate of the base in int8 failed; nothing is left on disk.
        ParityError: an adapter answers differently from its run; nothing is left on disk.
        BundleError: the place is taken.
        DiskSpaceError: the disk is too full.
        BackboneError: the network cannot be written as ONNX.
    """
    began, place = time.monotonic(), Path(out)
    golden, wanted = settings.golden, _wanted(settings)
    adapters = read_adapters(runs)
    first = next(iter(runs.values()))
    network = first.start()
    require_small(network)
    check_place(place, _bytes(network, adapters.values(), golden), golden == "photos")
    if on_progress is not None:
        on_progress("exporting", 0, 1)
    model = build_base(network, first.preprocess, adapters.values())
    with written(place):
        small = None if wanted is None else quantize_base(model, adapters, wanted, on_progress)
    model = model if small is None else small.model
    set_metadata(model, base_metadata(first))
    with placed(place) as folder:
        onnx.save(model, folder / n.MODEL_FILE)
        base = base_record(folder, first, model, network.features, settings.precision)
        gate = Gate(folder, model, golden, settings.accept, limit_of(settings), on_progress)
        record = _proved(base, adapters, gate, small)
        if runtime is not None:
            write_record(folder, record)
            record = record.model_copy(update={"target": _tried(runtime, folder, adapters, small)})
        record = write_final_record(folder, record)
        (folder / n.CARD_FILE).write_text(card(record), encoding="utf-8")
    return _exported(place, record, time.monotonic() - began)


def _wanted(settings: ExportSettings) -> Wanted | None:
    if settings.precision == "fp16":
        raise UsageError("--precision fp16 was given with --adapters, whose base is in fp32 or int8; give one of these")
    return wanted_of(settings)


def _bytes(network: Network, adapters: Iterable[LowRank], golden: Golden) -> int:
    """Return what the bundle takes at most, but for the golden photos of one adapter."""
    weights = sum(tensor.numel() * tensor.element_size() for tensor in network.state_dict().values())
    each = [adapter.bytes + (GOLDEN_BYTES if golden == "photos" else 0) for adapter in adapters]
    return int(weights + sum(each) - (GOLDEN_BYTES if golden == "photos" else 0))


def _proved(base: BundleRecord, adapters: Mapping[str, LowRank], gate: Gate, small: SmallBase | None) -> BundleRecord:
    """Write every adapter's file, and prove each through the one session that opens them all."""
    inputs, shrunken = optional_inputs(gate.model), small.adapters if small else {}
    rules = {
        name: shrunken[name].shrunken.answering if small else adapter.run.answering(gate.accepted)
        for name, adapter in adapters.items()
    }
    tensors = {name: adapter_tensors(adapter, inputs, rules[name]) for name, adapter in adapters.items()}
    written = [
        write_adapter(gate.folder, name, adapter, tensors[name], base, rules[name], gate.accepted)
        for name, adapter in adapters.items()
    ]
    record = base.model_copy(update={"adapters": tuple(written)})
    write_record(gate.folder, record)
    session = Session(gate.folder)
    proved = [
        gate.of(adapters[own.name].run, Through(session, own.name), own, tensors[own.name], shrunken.get(own.name))
        for own in written
    ]
    return record.model_copy(update={"adapters": tuple(proved)})


def _tried(runtime: Runtime, folder: Path, adapters: Mapping[str, LowRank], small: SmallBase | None) -> TargetRecord:
    """Ask some photos of every adapter under the target, and sum up."""
    session, found = Session(folder), list[TargetRecord]()
    for name, adapter in adapters.items():
        photos = sample(adapter.run.manifest(), STAGE_PHOTOS)
        allowed = Allowed(**(tolerances(small.adapters[name].shrunken, photos) if small else {}))
        found.append(prove(runtime, Through(session, name), photos, allowed, session.bundle.adapter_file(name)))
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
        # In int8 labels differ for other reasons too: the sentences count what that cost.
        tuple(tie for one in found for tie in one.near_ties) if record.model.precision == "fp32" else (),
        record.model.opset,
        round(seconds, 1),
        adapters=tuple(adapter.name for adapter in record.adapters),
        notes=tuple(_smaller(record)),
        target=record.target,
    )


def _smaller(record: BundleRecord) -> Iterator[str]:
    for adapter in record.adapters:
        if adapter.shrunken is not None:
            yield from (f"{adapter.name}: {sentence}" for sentence in sentences(adapter.shrunken))
