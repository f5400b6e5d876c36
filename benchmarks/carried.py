"""Claim: a step is faster and leaner where convolutions do the work of the frozen batch norms behind them.

python benchmarks/carried.py [--backbones resnet50 ...]       needs no photos
python benchmarks/carried.py --markdown                       the table

Forward and backward of all weights on noise, in passes of 8 photos in fp32 and of 32 in bf16 (the ways that `fit`
tries), the network as it is and its carried copy in turn. Its gradients stand beside, by their largest difference
relative to the largest gradient of the same tensor.
"""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import torch
from cells import RESULTS, Cells
from torch import Tensor

from visionft import backbones
from visionft.backbones import Network
from visionft.exporting.shrinking.race import race
from visionft.training.allocating import keep_freed_memory
from visionft.training.carrying import freeze_norms
from visionft.training.measuring import saved_bytes

BACKBONES = ("mobilenetv2_100", "mobilenetv3_large_100", "efficientnet_b0", "resnet18", "resnet50", "regnety_008")
WAYS = {"fp32": (None, 8), "bf16": (torch.bfloat16, 32)}
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


def compare(backbone: str, precision: str) -> dict[str, Any]:
    """Race a network and its carried copy."""
    keep_freed_memory()
    dtype, photos = WAYS[precision]
    torch.manual_seed(0)
    plain, quick = (backbones.create(backbone, "none", CLASSES, size=SIZE) for _ in range(2))
    torch.nn.init.normal_(next(plain.head.parameters()))  # a new head is zero, and so would all gradients be
    quick.load_state_dict(plain.state_dict())
    x = torch.randn(photos, 3, SIZE, SIZE).to(memory_format=torch.channels_last)
    with ExitStack() as stack:
        pairs = stack.enter_context(backbones.norms_carried(quick))
        for network in (plain, quick):
            freeze_norms(network.to(memory_format=torch.channels_last).train())
        pairs_of_gradients = zip(gradients(plain, x[:4]), gradients(quick, x[:4]), strict=True)
        off = max(float((one - other).abs().max() / (one.abs().max() + 1e-30)) for one, other in pairs_of_gradients)
        times = asdict(race(partial(step, plain, x, dtype), partial(step, quick, x, dtype)))
        saved = [saved_bytes(network, (SIZE, SIZE)) / 1e6 for network in (plain, quick)]
    return {**times, "carried": pairs, "photos": photos, "difference": off, "saved_mb": saved}


def markdown(rows: list[dict[str, Any]]) -> str:
    """Return the table: what is saved is counted in float32."""
    lines = [
        "| backbone | norms carried | fp32, passes of 8 | bf16, passes of 32 | kept for the backward pass |",
        "|---" * 5 + "|",
    ]
    found = {(row["key"]["backbone"], row["key"]["precision"]): row for row in rows}
    for backbone in dict.fromkeys(name for name, _ in found):
        ratios = [_ratio(found.get((backbone, precision))) for precision in WAYS]
        row = next(row for (name, _), row in found.items() if name == backbone)
        saved = "{:.1f} to {:.1f} MB a photo".format(*row["saved_mb"])
        lines.append(f"| `{backbone}` | {row['carried']} | {' | '.join(ratios)} | {saved} |")
    return "\n".join(lines)


def _ratio(row: dict[str, Any] | None) -> str:
    return "" if row is None else f"{row['ratio']:.2f} ({row['low']:.2f} to {row['high']:.2f})"


def main() -> None:
    """Measure what is not measured yet, or print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbones", nargs="+", default=list(BACKBONES))
    parser.add_argument("--out", type=Path, default=RESULTS / "carried.jsonl")
    parser.add_argument("--markdown", action="store_true")
    given = parser.parse_args()
    cells = Cells(given.out)
    if given.markdown:
        print(markdown(cells.rows))
        return
    for backbone in given.backbones:
        for precision in WAYS:
            cells.measure({"backbone": backbone, "precision": precision}, partial(compare, backbone, precision))


if __name__ == "__main__":
    main()
