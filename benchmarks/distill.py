"""Question: does a small network learn more from a large one's answers and features than from labels? Not shown yet.

python benchmarks/distill.py [--student mobilenetv3_small_050] [--epochs 30] [--seed 0]
python benchmarks/distill.py --markdown

mobilenetv2_100 is fine-tuned on clothing at its defaults; a student of a quarter of its size then starts from scratch,
with and without that run as its teacher, same epochs, same augmentation, same seed. Each cell has the accuracy on test
photos, photo by photo, the size of the exported file, and the network half's time in turn with the teacher's.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from cells import RUNS, SHARED, Cells, told
from methods import bits, difference, hits_of

PHOTOS, TEACHER = SHARED / "data" / "clothing", "mobilenetv2_100"
SIZES = (1, 8, 32)


def fit(out: Path, *flags: object) -> float:
    """Train a run in a process of its own, or go on with it, or find it finished; return the seconds it took."""
    return told("-m", "visionft", "fit", PHOTOS, "--out", out, "--method", "full", *flags, "--json")[1]


def teacher(seed: int) -> Path:
    """Return the run that teaches."""
    out = RUNS / f"clothing-{TEACHER}-full-default-{seed}"
    fit(out, "--backbone", TEACHER, "--weights", SHARED / "weights" / f"{TEACHER}.safetensors", "--seed", seed)
    return out


def cell(student: str, epochs: int, seed: int, kind: str) -> dict[str, Any]:
    """Train and measure one of `teacher`, `alone` and `taught`."""
    master = teacher(seed)
    if kind == "teacher":
        return measured(master, master)
    out = RUNS / f"clothing-{student}-{kind}-{epochs}-{seed}"
    flags = ["--backbone", student, "--weights", "none", "--epochs", epochs, "--seed", seed]
    seconds = fit(out, *flags, *(["--distill", master] if kind == "taught" else []))
    return {"seconds": round(seconds, 1), **measured(out, master)}


def measured(run: Path, master: Path) -> dict[str, Any]:
    """Read accuracy, size and times off a run."""
    import visionft as vft
    from visionft.exporting.onnx_model import build, halves
    from visionft.serving.onnx_session import open_model

    cores, opened = [], [vft.Run.open(run), vft.Run.open(master)]
    model = None
    for each in opened:
        whole = build(each.network(), each.preprocess, each.classes, each.answering(None))
        model = model or whole
        cores.append(open_model(halves(whole)[1].SerializeToString()))
    assert model is not None, "there are two runs"
    hits, network = hits_of(run), opened[0].network()
    return {
        "test_top1": float(hits.mean()),
        "n": len(hits),
        "val_top1": opened[0].result["val"]["top1"],
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "megabytes": round(model.ByteSize() / 1e6, 2),
        "times_as_fast": {str(size): raced(cores[1], cores[0], opened, size) for size in SIZES if run != master},
        "hits": np.packbits(hits).tobytes().hex(),
    }


def raced(champion: Any, challenger: Any, runs: Sequence[Any], size: int) -> dict[str, float]:
    """Time both in turn, each on pixels of its own size."""
    from visionft.bundle.names import LOGITS, PIXELS
    from visionft.exporting.quantization.speed import race

    feeds = [np.zeros((size, 3, *run.preprocess.size), np.float32) for run in reversed(runs)]
    calls: list[Callable[[], object]] = [
        partial(session.run, [LOGITS], {PIXELS: feed})
        for session, feed in zip((champion, challenger), feeds, strict=True)
    ]
    return {name: round(value, 3) for name, value in asdict(race(*calls)).items()}


def markdown(rows: list[dict[str, Any]]) -> str:
    """Return the table: a row a cell, students beside their untaught twins."""
    lines = [
        "| backbone | taught | epochs | test top-1 | to untaught, 95 % | parameters | file | times as fast, 1, 8, 32 |",
        "|---" * 8 + "|",
    ]
    for row in rows:
        key, fast = row["key"], row["times_as_fast"].values()
        twin = next((r for r in rows if r["key"] == {**key, "kind": "alone"}), None)
        gap = ""
        if key["kind"] == "taught" and twin:
            mean, low, high = difference(bits(row), bits(twin))
            gap = f"{mean:+.1f} ({low:+.1f} to {high:+.1f})"
        fields = [
            f"`{TEACHER if key['kind'] == 'teacher' else key['student']}`", "yes" if key["kind"] == "taught" else "no",
            key["epochs"] if key["kind"] != "teacher" else "auto", f"{100 * row['test_top1']:.1f} %", gap,
            f"{row['parameters'] / 1e6:.2f} M", f"{row['megabytes']:.1f} MB",
            ", ".join(f"{each['ratio']:.1f}" for each in fast),
        ]  # fmt: skip
        lines.append(f"| {' | '.join(map(str, fields))} |")
    return "\n".join(lines)


def main() -> None:
    """Measure what is not measured yet, or print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--student", default="mobilenetv3_small_050")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--markdown", action="store_true")
    given = parser.parse_args()
    cells = Cells("distill")
    if given.markdown:
        print(markdown(cells.rows))
        return
    for kind in ("teacher", "alone", "taught"):
        key = {"student": given.student, "epochs": given.epochs, "seed": given.seed, "kind": kind}
        cells.measure(key, partial(cell, given.student, given.epochs, given.seed, kind))


if __name__ == "__main__":
    main()
