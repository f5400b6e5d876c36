"""Claim: on a GPU the step is as fast as timm's, LoRA takes less memory than all weights, the exported file agrees.

python benchmarks/gpu.py PHOTOS [--weights FOLDER] [--out results/gpu.jsonl] [--minutes 8.5] [--device cuda]
python benchmarks/gpu.py --markdown [--out ...]      the tables

PHOTOS is a split folder of some megabytes; its training photos are repeated, each copy with a comment of its own, until
they fill an epoch. Every measurement is a process of its own, in two rounds of opposite order. The parts, one after the
other until the minutes are over: `step` (a bare synthetic loop, timm's training step, ours on real photos), `methods`
(every method of one backbone at one batch, and one compiled), `fit` (train, export, compare). Finished cells are
skipped.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import torch
import yardsticks
from cells import RESULTS, Cells

from visionft import data
from visionft.settings import METHODS, FitSettings, build
from visionft.training.processes import in_process
from visionft.training.stopwatch import Limits
from visionft.training.trying import try_method

STEP_BACKBONES = {"resnet50": 128, "vit_base_patch16_224": 64, "mobilenetv3_large_100": 256, "convnext_tiny": 128}
METHOD_BACKBONE, METHOD_BATCH = "vit_base_patch16_224", 64
FIT_BACKBONES = ("mobilenetv2_100", "vit_tiny_patch16_224")
VARIANTS: dict[str, dict[str, Any]] = {
    **{name: {"method.name": name} for name in METHODS if name != "head"},  # it is solved, not trained
    "lora-bf16": {"method.name": "lora", "method.base_dtype": "bf16"},
    "qlora-int8": {"method.name": "qlora", "method.quantization": "int8"},
    "full-compiled": {"method.name": "full", "hardware.compile": True},
}
STEPS, ROUNDS, SIZE, EPOCH = 30, 2, 224, 4_000


def silent(done: int, total: int) -> None:
    """Show no progress."""


def settings(photos: Path, backbone: str, batch: int, device: str, **changes: Any) -> FitSettings:
    """Return a fit of random weights: speed and memory do not depend on them."""
    flags = {
        "photos": photos, "backbone": backbone, "weights": "none", "epochs": 3, "optim.batch_size": batch,
        "optim.micro_batch": batch, "hardware.device": device, "method.name": "full", **changes,
    }  # fmt: skip
    return build(**flags)


def ours(photos: Path, backbone: str, batch: int, device: str, **changes: Any) -> dict[str, Any]:
    """Train some steps on real photos, as `visionft advise` does."""
    wanted = settings(photos, backbone, batch, device, **changes)
    manifest = data.prepare(photos, wanted.data, on_progress=silent)
    trial = in_process(try_method, wanted, manifest, Limits(STEPS, 60.0), advance=silent)
    return {
        **asdict(trial),
        "images_per_second": trial.images_per_second,
        "peak_memory_mb": trial.peak_memory / 1e6,
    }


def repeated(photos: Path, into: Path, copies: int) -> Path:
    """Write the photos so many times: each copy has other bytes and the same pixels, as JPEG allows comments."""
    for source in sorted(path for path in photos.rglob("*") if path.suffix.lower() in {".jpg", ".jpeg"}):
        place, content = into / source.relative_to(photos).parent, source.read_bytes()
        place.mkdir(parents=True, exist_ok=True)
        training = source.relative_to(photos).parts[0] == "train"
        for copy in range(copies if training else 1):
            comment = f"copy {copy}".encode()
            segment = b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment
            (place / f"{copy:04}-{source.name}").write_bytes(content[:2] + segment + content[2:])
    return into


def tasks(given: argparse.Namespace, photos: Path) -> Iterator[tuple[dict[str, Any], Callable[[], dict[str, Any]]]]:
    """Yield the cells in the order of their worth."""
    small = given.device == "cpu"  # there it only shows that the script runs
    backbones = {"test_resnet": 4} if small else STEP_BACKBONES
    for turn in range(ROUNDS):
        order = list(backbones.items())[:: 1 if turn == 0 else -1]
        for name, batch in order:
            for what, step in (("bare", yardsticks.bare), ("timm", yardsticks.timm_step)):
                yield (
                    {"part": "step", "backbone": name, "batch": batch, "what": what, "round": turn},
                    partial(in_process, step, name, batch, SIZE, STEPS, given.device, advance=silent),
                )
            yield (
                {"part": "step", "backbone": name, "batch": batch, "what": "ours", "round": turn},
                partial(ours, photos, name, batch, given.device),
            )
    name, batch = ("test_vit", 4) if small else (METHOD_BACKBONE, METHOD_BATCH)
    for variant, changes in VARIANTS.items():
        yield (
            {"part": "methods", "backbone": name, "batch": batch, "what": variant},
            partial(ours, photos, name, batch, given.device, **changes),
        )
    for name in () if given.weights is None else FIT_BACKBONES:
        for method in ("full", "lora") if name.startswith("vit") else ("full",):
            yield (
                {"part": "fit", "backbone": name, "what": method},
                partial(fit, given.photos, given.weights / f"{name}.safetensors", name, method, given.device),
            )


def fit(photos: Path, weights: Path, backbone: str, method: str, device: str) -> dict[str, Any]:
    """Fit, evaluate and export by the commands; return their --json lines."""
    with tempfile.TemporaryDirectory() as place:
        run = Path(place) / "run"
        words = ["fit", photos, "--backbone", backbone, "--weights", weights, "--method", method, "--epochs", 3]
        trained = _command(*words, "--hardware.device", device, "--out", run)
        return {"fit": trained, "export": _command("export", run)}


def _command(*words: object) -> dict[str, Any]:
    command = [sys.executable, "-m", "visionft", *map(str, words), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr.strip().splitlines()[-1])
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def attempted(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return the figures, or what went wrong: one cell that fails must not cost the others their GPU time."""
    began = time.perf_counter()
    try:
        figures = work()
    except Exception as error:  # noqa: BLE001  # whatever it is, it is this cell's finding
        figures = {"failed": f"{type(error).__name__}: {str(error).strip()[-2000:]}"}
    return {**figures, "device": _device(), "seconds": round(time.perf_counter() - began, 1)}


def _device() -> str:
    return torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"


def markdown(rows: list[dict[str, Any]]) -> str:
    """Return the tables: steps against the yardsticks, methods against full fine-tuning, exports against runs."""
    return f"{_steps([row for row in rows if row['key']['part'] == 'step'])}\n\n{_methods(rows)}\n\n{_fits(rows)}"


def _steps(rows: list[dict[str, Any]]) -> str:
    lines = ["| backbone | batch | bare loop | timm's step | ours, from files | ours / timm's |", "|---" * 6 + "|"]
    for name, batch in dict.fromkeys((row["key"]["backbone"], row["key"]["batch"]) for row in rows):
        speeds = {
            what: max(
                (
                    row.get("images_per_second", 0.0)
                    for row in rows
                    if (row["key"]["backbone"], row["key"]["what"]) == (name, what)
                ),
                default=0.0,
            )
            for what in ("bare", "timm", "ours")
        }
        fields = [f"{speeds[what]:,.0f}" for what in ("bare", "timm", "ours")]
        ratio = f"{speeds['ours'] / speeds['timm']:.2f}" if speeds["timm"] else "-"
        lines.append(f"| `{name}` | {batch} | {' | '.join(fields)} | {ratio} |")
    return "\n".join(lines)


def _methods(rows: list[dict[str, Any]]) -> str:
    mine = [row for row in rows if row["key"]["part"] == "methods"]
    full = next((row["peak_memory_mb"] for row in mine if row["key"]["what"] == "full" and "failed" not in row), None)
    lines = ["| method | images/s | peak memory | of full's | trained |", "|---" * 5 + "|"]
    for row in mine:
        what = row["key"]["what"]
        if "failed" in row:
            lines.append(f"| `{what}` | {row['failed'].splitlines()[-1]} | | | |")
            continue
        share = f"{row['peak_memory_mb'] / full:.2f}" if full else "-"
        lines.append(
            f"| `{what}` | {row['images_per_second']:,.0f} | {row['peak_memory_mb'] / 1e3:.1f} GB | {share} | "
            f"{row['trainable'] / 1e6:.2f} M |"
        )
    return "\n".join(lines)


def _fits(rows: list[dict[str, Any]]) -> str:
    lines = ["| backbone | method | test top-1 | same label | probabilities apart |", "|---" * 5 + "|"]
    for row in rows:
        if row["key"]["part"] != "fit":
            continue
        name = f"| `{row['key']['backbone']}` | `{row['key']['what']}` |"
        if "failed" in row:
            lines.append(f"{name} {row['failed'].splitlines()[-1]} | | |")
            continue
        exported = row["export"]
        lines.append(
            f"{name} {row['fit']['test_top1']:.1%} | {exported['agreement']:.2%} of {exported['n']:,} | "
            f"{exported['max_probability_difference']:.1e} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure until the minutes are over, or print the tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("photos", type=Path, nargs="?")
    parser.add_argument("--weights", type=Path, help="folder of pretrained weights for the part `fit`")
    parser.add_argument("--out", type=Path, default=RESULTS / "gpu.jsonl")
    parser.add_argument("--minutes", type=float, default=8.5)
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--epoch", type=int, default=EPOCH, help="photos in an epoch")
    parser.add_argument("--markdown", action="store_true")
    given = parser.parse_args()
    cells = Cells(given.out)
    if given.markdown:
        print(markdown(cells.rows))
        return
    cells.keep([row for row in cells.rows if "failed" not in row])  # they are tried again
    if given.photos is None or not (given.photos / "train").is_dir():
        parser.error(f"PHOTOS: {given.photos} holds no folder train; give a split folder of class folders")
    end = time.monotonic() + 60 * given.minutes
    with tempfile.TemporaryDirectory() as place:
        found = sum(1 for _ in (given.photos / "train").rglob("*.jp*g"))
        photos = repeated(given.photos, Path(place), max(1, given.epoch // max(1, found)))
        for key, work in tasks(given, photos):
            if time.monotonic() > end:
                print(f"the minutes are over before {key}; the same command goes on", flush=True)
                return
            cells.measure(key, partial(attempted, work))


if __name__ == "__main__":
    main()
