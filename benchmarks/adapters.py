"""Claim: a further adapter costs at most 1.5 times its file in memory, 64 under a tenth of 64 merged sessions.

Also their answers, beside the merged run's on every test photo, and the time of a request.

python benchmarks/adapters.py RUN...     the first run's adapter is multiplied, with other numbers in it: neither memory
nor time depends on them. Every cell of memory has a process of its own; latencies are taken in turns, in one process.
No session lets waiting threads spin.
"""

from __future__ import annotations

import json
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from cells import Cells, told
from numpy.typing import NDArray

from visionft.bundle import Bundle
from visionft.bundle import names as n
from visionft.bundle.load import digest_of
from visionft.serving import Session
from visionft.serving.lora_adapters import base_number

COUNTS = (1, 8, 64, 256)
REQUESTS = 120
SPARE = 1.5
"""Memory that has to be free, in times of what merged sessions will take: other work here is not pushed out."""
PHOTO: NDArray[np.uint8] = np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8)


def multiplied(bundle: Bundle, count: int, folder: Path) -> Path:
    """Write a bundle with so many adapters of the first one's shapes, each with numbers of its own."""
    (folder / n.ADAPTER_FOLDER).mkdir(parents=True)
    (folder / n.MODEL_FILE).symlink_to(bundle.model.absolute())
    first, random = bundle.record.adapters[0], np.random.default_rng(count)
    content = ort.AdapterFormat.read_adapter(str(bundle.adapter_file(first.name)))
    shapes = {name: value.numpy().copy() for name, value in content.get_parameters().items()}
    records = []
    for i in range(count):
        name = f"adapter-{i:03}"
        file = folder / n.ADAPTER_FOLDER / f"{name}{n.ADAPTER_SUFFIX}"
        other = ort.AdapterFormat()
        other.set_adapter_version(1)
        other.set_model_version(base_number(bundle.record.model.sha256))
        drawn = {key: _other_numbers(value, random) for key, value in shapes.items()}
        other.set_parameters({key: ort.OrtValue.ortvalue_from_numpy(value) for key, value in drawn.items()})
        other.export_adapter(str(file))
        where = {"name": name, "file": file.relative_to(folder).as_posix(), "sha256": digest_of(file)}
        records.append(first.model_copy(update={**where, "bytes": file.stat().st_size}))
    record = bundle.record.model_copy(update={"adapters": tuple(records)})
    (folder / n.RECORD_FILE).write_text(record.model_dump_json(), encoding="utf-8")
    return folder


def _other_numbers(values: NDArray[np.float32], random: np.random.Generator) -> NDArray[np.float32]:
    if values.size < 2 or not np.isfinite(values).all():
        return values
    return (values * random.uniform(0.9, 1.1, values.shape)).astype(np.float32)


Answer = Callable[[int], Any]


def adapted(folder: Path, count: int) -> Answer:
    """Open one session with so many adapters; return what answers through the i-th."""
    session = Session(folder)
    names = session.bundle.adapters
    assert len(names) == count
    return lambda i: session.answer(PHOTO, names[i % count])


def merged(folder: Path, count: int) -> Answer:
    """Open so many sessions of a merged bundle; return what answers through the i-th."""
    sessions = [Session(folder) for _ in range(count)]
    return lambda i: sessions[i % count].answer(PHOTO)


KINDS = {"adapters": adapted, "merged": merged}


def cost(kind: str, folder: Path, count: int) -> dict[str, Any]:
    """Return what this process pays for opening and for having answered through each, beyond its imports."""
    before, began = memory_mb(), time.perf_counter()
    answer = KINDS[kind](folder, count)
    seconds = time.perf_counter() - began
    for i in range(count):
        answer(i)
    return {"load_seconds": round(seconds, 3), "rss_mb": round(memory_mb() - before, 1)}


def memory_mb() -> float:
    """Return the resident memory of this process, mapped files included."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def available_mb() -> float:
    """Return the memory that the machine could give."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable")) / 1e3


def in_turns(adapters: Path, single: Path, count: int) -> dict[str, Any]:
    """Return median milliseconds of a request, each through the next adapter and through the next merged session."""
    answers = {"adapters": adapted(adapters, count), "merged": merged(single, count)}
    taken: dict[str, list[float]] = {kind: [] for kind in answers}
    for i in range(max(REQUESTS, count)):
        for kind, answer in answers.items():
            began = time.perf_counter()
            answer(i)
            taken[kind].append(1e3 * (time.perf_counter() - began))
    medians = {f"{kind}_ms": round(float(np.median(times[len(times) // 6 :])), 2) for kind, times in taken.items()}
    ratios = np.asarray(taken["adapters"]) / np.asarray(taken["merged"])
    low, middle, high = np.quantile(ratios[len(ratios) // 6 :], (0.25, 0.5, 0.75))
    return {
        **medians,
        "ratio": round(float(middle), 3),
        "ratio_quartiles": [round(float(low), 3), round(float(high), 3)],
    }


def apart(*arguments: str) -> dict[str, Any]:
    """Run a cell in a process of its own."""
    return told(__file__, *arguments)[0]


def agreement(bundle: Path, adapter: str, place: Path) -> dict[str, Any]:
    """Compare an adapter's answers with those of its merged run on every test photo."""
    import visionft as vft
    from visionft.evaluation import predict_run
    from visionft.serving import predict

    run = vft.Run.open(place)
    manifest = run.manifest()
    places = [manifest.root / path for path in manifest.rows("test").paths]
    trained, served = predict_run(run, places), predict(bundle, places, adapter=adapter)
    differences = [float(np.abs(a.probabilities - b.probabilities).max()) for a, b in zip(trained, served, strict=True)]
    same = sum(a.label == b.label for a, b in zip(trained, served, strict=True))
    return {"n": len(places), "same_label": same, "max_probability_difference": max(differences)}


def export_both(runs: Sequence[str], folder: Path) -> dict[str, Any]:
    """Write the bundle of all runs as adapters, and the first one merged."""
    import visionft as vft

    began = time.perf_counter()
    many = vft.export(adapters=runs, out=folder / "many", golden="none")
    seconds = time.perf_counter() - began
    vft.export(runs[0], folder / "merged", golden="none")
    record = Bundle.open(many.bundle).record
    return {
        "export_seconds": round(seconds, 1),
        "base_mb": round(record.model.bytes / 1e6, 2),
        "adapter_mb": round(record.adapters[0].bytes / 1e6, 3),
        "rank": record.adapters[0].rank,
        "merged_mb": round((folder / "merged" / n.MODEL_FILE).stat().st_size / 1e6, 2),
        "gate": {"n": many.n, "max_probability_difference": many.max_probability_difference},
    }


def main(runs: Sequence[str]) -> None:
    """Measure what is not measured yet, and hold the claims against it."""
    cells, folder = Cells("adapters"), Path(tempfile.mkdtemp())
    row = export_both(runs, folder)
    files = cells.measure({"what": "files"}, lambda: row)
    many = Bundle.open(folder / "many")
    for name, place in zip(many.adapters, runs, strict=True):
        cells.measure({"what": "answers", "adapter": name}, lambda n=name, p=place: agreement(many.path, n, Path(p)))
    for count in COUNTS:
        _measure_count(cells, multiplied(many, count, folder / str(count)), folder / "merged", count)
    shutil.rmtree(folder)
    _claims(cells, files["adapter_mb"])


def _measure_count(cells: Cells, many: Path, single: Path, count: int) -> None:
    size = str(count)
    memory = {"what": "memory", "n": count}
    cells.measure({**memory, "kind": "adapters"}, lambda: apart("adapters", str(many), size))
    known = [(row["key"]["n"], row["rss_mb"]) for row in cells.rows if row["key"].get("kind") == "merged"]
    needed = count * min((memory / sessions for sessions, memory in known), default=0.0)
    if available_mb() < SPARE * needed:
        print(f"{count} merged sessions would take {needed:,.0f} MB: left out, too little is free")
        return
    cells.measure({**memory, "kind": "merged"}, lambda: apart("merged", str(single), size))
    cells.measure({"what": "latency", "n": count}, lambda: apart("in_turns", str(many), str(single), size))


def _claims(cells: Cells, adapter_mb: float) -> None:
    found = {(row["key"]["kind"], row["key"]["n"]): row for row in cells.rows if row["key"]["what"] == "memory"}
    for count in COUNTS[1:]:
        further = (found["adapters", count]["rss_mb"] - found["adapters", 1]["rss_mb"]) / (count - 1)
        print(f"{count} adapters: each further one takes {further:.2f} MB, {further / adapter_mb:.2f} times its file")
        if ("merged", count) in found:
            share = found["adapters", count]["rss_mb"] / found["merged", count]["rss_mb"]
            print(f"{count} adapters take {share:.3f} of what {count} merged sessions take")
    answers = [row["max_probability_difference"] for row in cells.rows if row["key"]["what"] == "answers"]
    print(f"answers: at most {max(answers):.2g} from the merged run's")


if __name__ == "__main__":
    match sys.argv[1:]:
        case [("adapters" | "merged") as kind, place, count]:
            print(json.dumps(cost(kind, Path(place), int(count))))
        case ["in_turns", many, single, count]:
            print(json.dumps(in_turns(Path(many), Path(single), int(count))))
        case runs:
            main(runs)
