"""Claim: `advise --for` foretells the memory of a training step to within 10 %, and its time to within a factor of two.

PYTHONPATH=. python benchmarks/memory_forecast.py PHOTOS [--backbones resnet50 ...] [--methods full ...]
PYTHONPATH=. python benchmarks/memory_forecast.py --published            the times, without photos
PYTHONPATH=. python benchmarks/memory_forecast.py --markdown             the tables

Memory: the second optimizer step of a real fit on this processor, a batch of 8 in passes of 4, in fp32 at 224 pixels,
of random weights. Measured is the highest running sum of what the processor's own allocator gave and took back
(torch.profiler) above the weights; every cell is a process of its own. Time: the training step that timm's authors
measured on an RTX 3090 (github.com/huggingface/pytorch-image-models, results/benchmark-train-amp-nhwc-pt112-cu113-
rtx3090.csv), against our estimate for the same card and batch, with batch norms that gather statistics as theirs do.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from itertools import product
from pathlib import Path
from typing import Any

import timm
import torch
from cells import Cells
from safetensors.torch import save_file

from tests.allocations import measured_peak
from visionft import data
from visionft.advising.forecast_steps import Asked, Steps, ready
from visionft.advising.roofline import CALIBRATION, seconds
from visionft.machine.gpu_cards import CARDS, Card
from visionft.machine.subprocesses import in_process
from visionft.settings import FitSettings, build

BACKBONES = (
    "resnet50", "mobilenetv3_large_100", "convnext_tiny", "efficientnet_b0", "vit_tiny_patch16_224",
    "vit_small_patch16_224", "vit_base_patch16_224", "swin_tiny_patch4_window7_224",
)  # fmt: skip
METHODS: dict[str, dict[str, Any]] = {
    "full": {"method.name": "full"},
    "head": {"method.name": "head", "method.solver": "epochs"},
    "lora": {"method.name": "lora"},
    "norm": {"method.name": "norm"},
}
BATCH, PASS, SIZE = 8, 4, 224
PUBLISHED = {
    "resnet50": (1218.01, 512), "mobilenetv3_large_100": (2732.43, 512), "convnext_tiny": (819.24, 256),
    "efficientnet_b0": (1751.72, 512), "vit_tiny_patch16_224": (2299.56, 512), "vit_small_patch16_224": (1057.92, 384),
    "vit_base_patch16_224": (392.99, 192), "swin_tiny_patch4_window7_224": (648.69, 256),
}  # fmt: skip
"""Photos a second, and the batch, as published."""


def random_weights(backbone: str, folder: Path) -> Path:
    """Save weights of which no tensor is zero: through scales that are born zero no gradient reaches an addition."""
    path = folder / f"{backbone}.safetensors"
    torch.manual_seed(0)
    model = timm.create_model(backbone)
    for parameter in model.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.02)
    save_file(model.state_dict(), path)
    return path


def settings(photos: Path, backbone: str, method: str, weights: str, device: str, **more: Any) -> FitSettings:
    """Return a fit of the kind that is measured."""
    flags = {
        "backbone": backbone, "weights": weights, "epochs": 2, "optim.batch_size": BATCH, "optim.micro_batch": PASS,
        "hardware.precision": "fp32", "hardware.threads": 1, "hardware.workers": 0, "hardware.device": device,
        "augment.size": SIZE, "preprocess.size": SIZE, **METHODS[method], **more,
    }  # fmt: skip
    return build(photos, **flags)


def cell(photos: Path, backbone: str, method: str) -> dict[str, Any]:
    """Forecast a step, and measure it."""
    with tempfile.TemporaryDirectory() as folder:
        wanted = settings(photos, backbone, method, str(random_weights(backbone, Path(folder))), "cpu")
        manifest = data.prepare(wanted.photos, wanted.data, on_progress=lambda *_: None)
        began = time.process_time()
        asked = Asked(wanted, manifest, Card("this machine", 1e12), "fp32")
        steps = Steps(asked, *ready(asked, wanted, checkpointing=False))
        forecast = steps.step_peak(PASS)
        spent = time.process_time() - began
        truth = in_process(measured_peak, wanted, manifest, advance=lambda *_: None)
    return {"forecast": forecast, "measured": truth, "ratio": forecast / truth, "processor_seconds": spent}


def published(photos: Path, backbone: str) -> dict[str, Any]:
    """Estimate the training step that was published."""
    rate, batch = PUBLISHED[backbone]
    more = {"optim.batch_size": batch, "optim.micro_batch": batch, "optim.norm_statistics": "batch", "optim.ema": 0.0}
    wanted = settings(photos, backbone, "full", "none", "cuda", **more)
    manifest = data.prepare(wanted.photos, wanted.data, on_progress=lambda *_: None)
    card = CARDS["RTX 3090"]
    asked = Asked(wanted, manifest, card, "fp16")
    steps = Steps(asked, *ready(asked, wanted, checkpointing=False))
    ours = batch / seconds(steps.line(further=False).work(batch), card)
    return {"published": rate, "batch": batch, "estimate": ours, "ratio": ours / rate, "calibration": CALIBRATION}


def markdown(rows: list[dict[str, Any]]) -> str:
    """Return both tables."""
    memory = {(row["key"]["backbone"], row["key"]["method"]): row for row in rows if "method" in row["key"]}
    times = {row["key"]["backbone"]: row for row in rows if "method" not in row["key"]}
    lines = [f"| backbone | {' | '.join(METHODS)} |", "|---" * (len(METHODS) + 1) + "|"]
    for backbone in BACKBONES:
        found = [memory.get((backbone, method)) for method in METHODS]
        cells = [
            f"{row['forecast'] / 1e6:.0f} / {row['measured'] / 1e6:.0f} ({row['ratio']:.2f})" if row else ""
            for row in found
        ]
        lines.append(f"| {backbone} | {' | '.join(cells)} |")
    lines += ["", "| backbone | batch | published photos/s | estimate | ratio |", "|---|---|---|---|---|"]
    lines += [
        f"| {name} | {row['batch']} | {row['published']:.0f} | {row['estimate']:.0f} | {row['ratio']:.2f} |"
        for name, row in times.items()
    ]
    return "\n".join(lines)


def _spoken(row: dict[str, Any]) -> str:
    return f"{row['forecast'] / 1e6:.0f} / {row['measured'] / 1e6:.0f} ({row['ratio']:.2f})"


def main() -> None:
    """Measure what is not measured yet, or print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path, nargs="?")
    parser.add_argument("--backbones", nargs="+", default=BACKBONES)
    parser.add_argument("--methods", nargs="+", default=[*METHODS], choices=[*METHODS])
    parser.add_argument("--published", action="store_true")
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    cells = Cells(given.out or "memory_forecast")
    if given.markdown:
        print(markdown(cells.rows))
        return
    torch.set_num_threads(1)
    os.environ["OMP_NUM_THREADS"] = "1"
    for backbone in given.backbones if given.published else ():
        cells.measure({"backbone": backbone, "card": "RTX 3090"}, lambda: published(given.photos, backbone))  # noqa: B023
    for backbone, method in product(given.backbones, given.methods) if not given.published else ():
        key = {"backbone": backbone, "method": method}
        cells.measure(key, lambda: cell(given.photos, backbone, method))  # noqa: B023


if __name__ == "__main__":
    main()
