"""Claim: every method beside every other: accuracy, what is trained, what is stored, time, memory.

python benchmarks/methods.py [--set clothing] [--backbone NAME] [--seed 0] [--method NAME ...]
python benchmarks/methods.py --markdown     the tables, with paired intervals

A cell is one `visionft fit` in a process of its own, 3 epochs after the head is solved, everything else on auto. It
keeps for each test photo whether it was answered rightly, so that methods are compared photo by photo. Runs stay in
build/runs, where retention.py finds those it shares.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from cells import RUNS, SHARED, Cells, told
from numpy.typing import NDArray
from pyarrow import parquet

METHODS: dict[str, list[str]] = {
    "head": [],
    "full": [],
    "gradual": [],
    "lora": [],
    "qlora": [],
    "adapter": [],
    "prompt": [],
    "bitfit": [],
    "norm": [],
    "lora-bf16": ["--method.base-dtype", "bf16"],
    "qlora-int8": ["--method.quantization", "int8"],
    "lora-qv": ["--method.targets", "qv"],
}
EPOCHS, RESAMPLES = 3, 10_000


def measure(photos: Path, backbone: str, method: str, seed: int) -> dict[str, Any]:
    """Fit in a process of its own, from the beginning, and read the figures off its folder."""
    run = RUNS / f"{photos.name}-{backbone}-{method}-{seed}"
    shutil.rmtree(run, ignore_errors=True)
    name = method.split("-")[0]
    epochs = [] if name == "head" else ["--epochs", str(EPOCHS)]
    words = ["fit", photos, "--backbone", backbone, "--seed", seed, "--out", run, "--method", name, *METHODS[method]]
    words += ["--weights", SHARED / "weights" / f"{backbone}.safetensors", *epochs, "--json"]
    used = _processor_seconds()
    figures, seconds = told("-m", "visionft", *words)
    hits = hits_of(run)
    return {
        "test_top1": float(hits.mean()),
        "n": len(hits),
        "val_top1": figures["val_top1"],
        "trainable": _trainable(run),
        "stored_bytes": _stored(run),
        "process_seconds": round(seconds, 1),
        "processor_seconds": round(_processor_seconds() - used, 1),
        "images_per_second": round(figures["images_per_second"], 1),
        "peak_memory_mb": round(figures["peak_memory_mb"]),
        "settings": _chosen(run),
        "epochs": (run / "metrics.csv").read_text().splitlines(),
        "hits": np.packbits(hits).tobytes().hex(),
    }


def _processor_seconds() -> float:
    """Return what finished children used of all processors: it counts the work, whoever else was on the machine."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def hits_of(run: Path) -> NDArray[np.bool_]:
    """Return which test photos were answered rightly, in the order of their paths."""
    table = parquet.read_table(run / "evaluation" / "test" / "predictions.parquet").sort_by("path")
    return np.asarray(table["correct"])


def _trainable(run: Path) -> int:
    """Count what the schedule's last phase trains."""
    from visionft import backbones, methods
    from visionft.runs import Run

    opened = Run.open(run)
    settings = opened.settings
    network = backbones.structure(settings.backbone, len(opened.classes), settings.head, size=opened.preprocess.size[0])
    methods.edit(network, settings.method, check=False)
    levels = backbones.depth_map(network)
    facts = methods.Facts(levels.levels, 1, max(1, int(settings.epochs)), head_solved=True)
    plan = methods.schedule(settings.method, settings.optim, facts)
    if not plan.total_steps:
        return sum(parameter.numel() for parameter in network.head.parameters())
    state = plan.at(plan.total_steps)
    chosen = [group for group in methods.groups(network, levels) if state.trains(group.depth, group.role)]
    return sum(network.get_parameter(name).numel() for group in chosen for name in group.parameters)


def _stored(run: Path) -> int:
    """Return the bytes that must be kept for this task: the adapter with its head, or all weights."""
    adapter = run / "adapter"
    files = adapter.iterdir() if adapter.is_dir() else [run / "weights.safetensors"]
    return sum(file.stat().st_size for file in files)


def _chosen(run: Path) -> dict[str, Any]:
    record = json.loads((run / "choices.json").read_text())
    kept = ("optim.lr", "optim.layer_decay", "hardware.precision", "optim.batch_size", "optim.ema", "augment.strength")
    return {choice["setting"]: choice["value"] for choice in record["choices"] if choice["setting"] in kept}


def difference(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> tuple[float, float, float]:
    """Return the mean of a - b, (seeds, photos) or (photos,), and its 95 % interval by a paired bootstrap, in points.

    Photos are drawn, each with all of its seeds: the answers of several seeds to one photo are not independent.
    """
    each = 100 * np.atleast_2d(a.astype(float) - b.astype(float)).mean(0)
    draws = np.random.default_rng(0).integers(0, len(each), (RESAMPLES, len(each)), dtype=np.int32)
    means = each[draws].mean(1)
    return float(each.mean()), *map(float, np.quantile(means, (0.025, 0.975)))


def markdown(rows: list[dict[str, Any]]) -> str:
    """Return a table for each set and backbone, the best method first."""
    parts = []
    for name, backbone in sorted({(row["key"]["set"], row["key"]["backbone"]) for row in rows}):
        mine = [row for row in rows if (row["key"]["set"], row["key"]["backbone"]) == (name, backbone)]
        parts.append(f"{name}, {backbone}, {EPOCHS} epochs\n\n{_table(mine)}")
    return "\n\n".join(parts)


def _table(rows: list[dict[str, Any]]) -> str:
    columns = ("method", "n", "test top-1", "to the best, 95 % interval", "trained", "stored", "processor seconds")
    lines = [f"| {' | '.join([*columns, 'peak memory'])} |", "|---" * (len(columns) + 1) + "|"]
    by_method: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_method.setdefault(row["key"]["method"], []).append(row)
    ranked = sorted(by_method.items(), key=lambda item: -np.mean([row["test_top1"] for row in item[1]]))
    best = {row["key"]["seed"]: row for row in ranked[0][1]}
    for method, cells in ranked:
        paired = [(row, best[row["key"]["seed"]]) for row in cells if row["key"]["seed"] in best]
        a = np.stack([bits(row) for row, _ in paired])
        b = np.stack([bits(other) for _, other in paired])
        mean, low, high = difference(a, b)
        gap = "the best" if method == ranked[0][0] else f"{mean:+.1f} ({low:+.1f} to {high:+.1f})"
        top1 = 100 * np.mean([row["test_top1"] for row in cells])
        last = cells[-1]
        seconds = np.median([row["processor_seconds"] for row in cells])
        fields = [
            f"`{method}`", len(cells), f"{top1:.1f} %", gap, f"{last['trainable'] / 1e3:,.1f} k",
            f"{last['stored_bytes'] / 1e6:.2f} MB", f"{seconds:,.0f}",
            f"{last['peak_memory_mb'] / 1e3:.1f} GB",
        ]  # fmt: skip
        lines.append(f"| {' | '.join(map(str, fields))} |")
    return "\n".join(lines)


def bits(row: dict[str, Any]) -> NDArray[np.bool_]:
    """Return which test photos a cell's run answered rightly, (n,)."""
    found: NDArray[np.uint8] = np.unpackbits(np.frombuffer(bytes.fromhex(row["hits"]), np.uint8))[: row["n"]]
    return found.astype(bool)


def main() -> None:
    """Measure what is not measured yet, or print the tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--set", choices=["clothing", "grocery"], default="clothing")
    parser.add_argument("--backbone", default="vit_tiny_patch16_224")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--method", nargs="*", choices=METHODS, default=list(METHODS))
    parser.add_argument("--markdown", action="store_true")
    arguments = parser.parse_args()
    cells = Cells("methods")
    if arguments.markdown:
        print(markdown(cells.rows))
        return
    place, backbone, seed = SHARED / "data" / arguments.set, arguments.backbone, arguments.seed
    for method in arguments.method:
        key = {"set": arguments.set, "backbone": backbone, "method": method, "seed": seed}
        cells.measure(key, partial(measure, place, backbone, method, seed))


if __name__ == "__main__":
    main()
