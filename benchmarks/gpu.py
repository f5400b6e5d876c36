"""Claim: on a GPU the step is as fast as timm's, LoRA takes less memory than all weights, the exported file agrees.

python benchmarks/gpu.py PHOTOS [--weights FOLDER] [--out results/gpu.jsonl] [--minutes 8.5]
python benchmarks/gpu.py PHOTOS --tiny               every part, smallest networks, on a processor
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
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
import yardsticks
from cells import RESULTS, Cells

from visionft import data
from visionft.advising.timing import Limits
from visionft.advising.trials import try_method
from visionft.machine.subprocesses import in_process
from visionft.settings import HEAD_ALONE, METHODS, FitSettings, build

TRAINED = [name for name, kind in METHODS.items() if not issubclass(kind, HEAD_ALONE)]
VARIANTS: dict[str, dict[str, Any]] = {
    **{name: {"method.name": name} for name in TRAINED},
    "lora-bf16": {"method.name": "lora", "method.base_dtype": "bf16"},
    "qlora-int8": {"method.name": "qlora", "method.quantization": "int8"},
    "full-compiled": {"method.name": "full", "hardware.compile": True},
}


@dataclass(frozen=True)
class Scale:
    """How much is measured.

    Attributes:
        device: "cuda" or "cpu".
        steps: backbones of the part `step`, with their batch.
        methods: the backbone of the part `methods`, and its batch.
        variants: of VARIANTS, in the part `methods`.
        fits: the backbones of the part `fit`, with their methods.
        taken: steps a measurement.
        rounds: of the part `step`.
        epoch: training photos.
    """

    device: str
    steps: dict[str, int]
    methods: tuple[str, int]
    variants: tuple[str, ...]
    fits: dict[str, tuple[str, ...]]
    size: int = 224
    taken: int = 30
    rounds: int = 2
    epoch: int = 4_000


WHOLE = Scale(
    "cuda",
    {"resnet50": 128, "vit_base_patch16_224": 64, "mobilenetv3_large_100": 256, "convnext_tiny": 128},
    ("vit_base_patch16_224", 64),
    tuple(VARIANTS),
    {"mobilenetv2_100": ("full",), "vit_tiny_patch16_224": ("full", "lora")},
)
TINY = Scale(
    "cpu",
    {"test_resnet": 4, "test_vit": 4},
    ("test_vit", 4),
    ("lora", "qlora-int8"),
    {"test_vit": ("full", "lora")},
    size=160,
    taken=4,
    rounds=1,
    epoch=24,
)


def silent(done: int, total: int) -> None:
    """Show no progress."""


def settings(photos: Path, backbone: str, batch: int, scale: Scale, **changes: Any) -> FitSettings:
    """Return a fit of random weights, which speed and memory do not depend on, as one of pretrained weights is.

    Photos have the size that the yardsticks train at, and batch norms keep their statistics.
    """
    flags = {
        "photos": photos, "backbone": backbone, "weights": "none", "epochs": 3, "optim.batch_size": batch,
        "optim.micro_batch": batch, "hardware.device": scale.device, "method.name": "full", "augment.size": scale.size,
        "preprocess.size": scale.size, "optim.norm_statistics": "frozen", **changes,
    }  # fmt: skip
    return build(**flags)


def ours(photos: Path, backbone: str, batch: int, scale: Scale, **changes: Any) -> dict[str, Any]:
    """Train some steps on real photos, as `visionft advise` does."""
    wanted = settings(photos, backbone, batch, scale, **changes)
    manifest = data.prepare(photos, wanted.data, on_progress=silent)
    trial = in_process(try_method, wanted, manifest, Limits(scale.taken, 60.0), advance=silent)
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


Task = tuple[dict[str, Any], Callable[[], dict[str, Any]]]


def tasks(given: Path, photos: Path, weights: Path | None, scale: Scale) -> Iterator[Task]:
    """Yield the cells in the order of their worth.

    Args:
        given: the photos as they are.
        photos: the same, repeated to an epoch.
        weights: folder of pretrained weights; without it the whole scale fits nothing.
        scale: how much.
    """
    yield from _step_tasks(photos, scale)
    name, batch = scale.methods
    for variant in scale.variants:
        yield (
            {"part": "methods", "backbone": name, "batch": batch, "what": variant},
            partial(ours, photos, name, batch, scale, **VARIANTS[variant]),
        )
    for name, methods in scale.fits.items() if weights or scale is TINY else ():
        for method in methods:
            yield (
                {"part": "fit", "backbone": name, "what": method},
                partial(fit, given, weights / f"{name}.safetensors" if weights else "none", name, method, scale),
            )


def _step_tasks(photos: Path, scale: Scale) -> Iterator[Task]:
    for turn in range(scale.rounds):
        for name, batch in list(scale.steps.items())[:: 1 if turn == 0 else -1]:
            key = {"part": "step", "backbone": name, "batch": batch, "round": turn}
            for what, step in (("bare", yardsticks.bare), ("timm", yardsticks.timm_step)):
                work = partial(in_process, step, name, batch, scale.size, scale.taken, scale.device, advance=silent)
                yield {**key, "what": what}, work
            yield {**key, "what": "ours"}, partial(ours, photos, name, batch, scale)


def fit(photos: Path, weights: Path | str, backbone: str, method: str, scale: Scale) -> dict[str, Any]:
    """Fit, evaluate and export by the commands; return their --json lines."""
    with tempfile.TemporaryDirectory() as place:
        run = Path(place) / "run"
        words = ["fit", photos, "--backbone", backbone, "--weights", weights, "--method", method, "--epochs", 3]
        trained = _command(*words, "--hardware.device", scale.device, "--out", run)
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
    parser.add_argument("--tiny", action="store_true", help="the smallest networks, on a processor")
    parser.add_argument("--markdown", action="store_true")
    given = parser.parse_args()
    scale = TINY if given.tiny else WHOLE
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
        photos = repeated(given.photos, Path(place), max(1, scale.epoch // max(1, found)))
        for key, work in tasks(given.photos, photos, given.weights, scale):
            if time.monotonic() > end:
                print(f"the minutes are over before {key}; the same command goes on", flush=True)
                return
            cells.measure(key, partial(attempted, work))


if __name__ == "__main__":
    main()
