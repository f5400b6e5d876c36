"""Claim: a step is faster and leaner where convolutions carry the frozen batch norms, and ReLU6 is kept once.

python benchmarks/carried.py [--backbones resnet50 ...] [--what norms]       needs no photos
python benchmarks/carried.py --markdown                                      the tables

Forward and backward of all weights on noise, in passes of 8 photos in fp32 and of 32 in bf16 (the ways that `fit`
tries), the network without and with one of the two in turn: `norms` against the network as it is, `relu6` against
carried norms. Its gradients stand beside, by their largest difference relative to the largest gradient of the same
tensor.
"""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from dataclasses import asdict
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import torch
from cells import RESULTS, Cells
from torch import Tensor

from visionft import backbones
from visionft.backbones import Network, norms_carried, relu6_kept_once
from visionft.backbones.rewrites.eval_mode_bn import freeze_norms
from visionft.exporting.quantization.speed import race
from visionft.machine.memory import keep_freed_memory
from visionft.planning.step_timing import saved_bytes

BACKBONES = ("mobilenetv2_100", "mobilenetv3_large_100", "efficientnet_b0", "resnet18", "resnet50", "regnety_008")
WAYS = {"fp32": (None, 8), "bf16": (torch.bfloat16, 32)}
WHAT = {"norms": ((), (norms_carried,)), "relu6": ((norms_carried,), (norms_carried, relu6_kept_once))}
HEADS = {"norms": "norms carried", "relu6": "ReLU6"}
SIZE, CLASSES = 224, 10


def step(network: Network, x: Tensor, dtype: torch.dtype | None) -> None:
    """Add the gradients of a pass."""
    with torch.autocast("cpu", dtype or torch.bfloat16, enabled=dtype is not None):
        loss = network(x).float().square().mean()
    loss.backward()


def gradients(network: Network, x: Tensor) -> list[Tensor]:
    """Return the gradients of a pass in fp32."""
    network.zero_grad()
    step(network, x, None)
    return [parameter.grad.clone() for parameter in network.parameters() if parameter.grad is not None]


def has_relu6(backbone: str) -> bool:
    """Look for modules that can be kept once."""
    with backbones.relu6_kept_once(backbones.create(backbone, "none", CLASSES, size=SIZE)) as modules:
        return modules > 0


def compare(backbone: str, what: str, precision: str) -> dict[str, Any]:
    """Race a network without and with it."""
    keep_freed_memory()
    dtype, photos = WAYS[precision]
    torch.manual_seed(0)
    plain, quick = (backbones.create(backbone, "none", CLASSES, size=SIZE) for _ in range(2))
    torch.nn.init.normal_(next(plain.head.parameters()))  # a new head is zero, and so would all gradients be
    quick.load_state_dict(plain.state_dict())
    x = torch.randn(photos, 3, SIZE, SIZE).to(memory_format=torch.channels_last)
    with ExitStack() as stack:
        for network, contexts in zip((plain, quick), WHAT[what], strict=True):
            done = [stack.enter_context(context(network)) for context in contexts]
            freeze_norms(network.to(memory_format=torch.channels_last).train())
        pairs_of_gradients = zip(gradients(plain, x[:4]), gradients(quick, x[:4]), strict=True)
        off = max(float((one - other).abs().max() / (one.abs().max() + 1e-30)) for one, other in pairs_of_gradients)
        times = asdict(race(partial(step, plain, x, dtype), partial(step, quick, x, dtype)))
        saved = [saved_bytes(network, (SIZE, SIZE)) / 1e6 for network in (plain, quick)]
    return {**times, "modules": done[-1], "photos": photos, "difference": off, "saved_mb": saved}


def markdown(rows: list[dict[str, Any]]) -> str:
    """Return a table for each of the two: what is saved is counted in float32."""
    return "\n\n".join(_table(what, [row for row in rows if row["key"]["what"] == what]) for what in WHAT)


def _table(what: str, rows: list[dict[str, Any]]) -> str:
    lines = [
        f"| backbone | {HEADS[what]} | fp32, passes of 8 | bf16, passes of 32 | kept for the backward pass |",
        "|---" * 5 + "|",
    ]
    found = {(row["key"]["backbone"], row["key"]["precision"]): row for row in rows}
    for backbone in dict.fromkeys(name for name, _ in found):
        ratios = [_ratio(found.get((backbone, precision))) for precision in WAYS]
        row = next(row for (name, _), row in found.items() if name == backbone)
        saved = "{:.1f} to {:.1f} MB a photo".format(*row["saved_mb"])
        lines.append(f"| `{backbone}` | {row['modules']} | {' | '.join(ratios)} | {saved} |")
    return "\n".join(lines)


def _ratio(row: dict[str, Any] | None) -> str:
    return "" if row is None else f"{row['ratio']:.2f} ({row['low']:.2f} to {row['high']:.2f})"


def main() -> None:
    """Measure what is not measured yet, or print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbones", nargs="+", default=list(BACKBONES))
    parser.add_argument("--what", nargs="+", choices=list(WHAT), default=list(WHAT))
    parser.add_argument("--out", type=Path, default=RESULTS / "carried.jsonl")
    parser.add_argument("--markdown", action="store_true")
    given = parser.parse_args()
    cells = Cells(given.out)
    if given.markdown:
        print(markdown(cells.rows))
        return
    for backbone in given.backbones:
        for what, precision in product(given.what, WAYS):
            if what == "norms" or has_relu6(backbone):
                key = {"backbone": backbone, "what": what, "precision": precision}
                cells.measure(key, partial(compare, **key))


if __name__ == "__main__":
    main()
