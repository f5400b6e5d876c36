"""What a new task costs of an old one: clothing is learnt, and k-NN tells what the features still know of grocery.

python benchmarks/retention.py [--backbone NAME] [--only METHOD ...]   needs shared photos and weights
python benchmarks/retention.py --picture                               draws what is measured: results/retention.png

Methods: full, lora, l2_sp at two strengths, and blends of the full run: the coefficient chosen on validation (as
`visionft blend` does without flags) and the middle. All train the same epochs at their own default rates; `careless`
trains all weights at one rate ten times the default, from a random head: what the defaults guard from. Runs stay in
build/runs: a blend finds its full run, methods.py's runs are not trained twice, and an interrupted cell goes on.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

from cells import RESULTS, RUNS, SHARED, Cells, told

NEW, OLD = "clothing", "grocery"
BACKBONES = ("vit_tiny_patch16_224", "mobilenetv2_100")
EPOCHS = 3
FITS = {
    "full": ["--method", "full"],
    "l2_sp 30": ["--method", "full", "--optim.l2-sp", "30"],
    "l2_sp 300": ["--method", "full", "--optim.l2-sp", "300"],
    "lora": ["--method", "lora"],
    "careless": [
        *("--method", "full", "--method.head-first=false", "--optim.lr", "1e-3", "--optim.head-lr", "1e-3"),
        *("--optim.layer-decay", "1"),
    ],
}
BLENDS = {"blend": [], "blend 0.5": ["--coefficients", "0.5"]}
METHODS = ("full", *BLENDS, "lora", "careless", "l2_sp 30", "l2_sp 300")
CONVOLUTIONAL = ("mobilenetv2_100",)  # LoRA of small convolutions is no method for them
LEGEND = f"test top-1 on {NEW}, k-NN on {OLD}"


def visionft(*words: object) -> tuple[dict[str, Any], float]:
    """Run a command; return its --json line and its seconds."""
    return told("-m", "visionft", *words, "--json")


def fit(method: str, backbone: str, seed: int) -> Path:
    """Train a run, or find the finished one, and return its folder."""
    folder = RUNS / f"{NEW}-{backbone}-{method.replace(' ', '-')}-{seed}"
    weights = SHARED / "weights" / f"{backbone}.safetensors"
    words = ["fit", SHARED / "data" / NEW, "--backbone", backbone, "--weights", weights, "--epochs", EPOCHS]
    visionft(*words, "--out", folder, "--seed", seed, *FITS[method])
    return folder


def cell(method: str, backbone: str, seed: int) -> dict[str, Any]:
    """Train or blend, and measure both tasks."""
    began = time.perf_counter()
    if method in FITS:
        run, coefficient = fit(method, backbone, seed), None
    else:
        full = fit("full", backbone, seed)
        run = full.with_name(f"{NEW}-{backbone}-{method.replace(' ', '-')}-{seed}")
        coefficient = visionft("blend", full, "--out", run, *BLENDS[method])[0]["coefficient"]
    made = time.perf_counter() - began
    told, seconds = visionft("evaluate", run, "--retention", SHARED / "data" / OLD)
    test = json.loads((run / "evaluation" / "test" / "metrics.json").read_text())
    return {
        "test_top1": told["top1"],
        "test_interval": test["intervals"]["top1"],
        "retention": told["retention"],
        "coefficient": coefficient,
        "seconds_to_make": round(made, 1),
        "seconds_to_measure": round(seconds, 1),
    }


def picture(rows: list[dict[str, Any]]) -> Path:
    """Draw the trade-off: further right knows more of the old task, further up is better at the new one."""
    from matplotlib import use

    use("agg")
    from matplotlib import pyplot as plt

    names = [name for name in BACKBONES if any(row["key"]["backbone"] == name for row in rows)]
    figure, axes = plt.subplots(1, len(names), figsize=(6.5 * len(names), 6), squeeze=False, layout="constrained")
    for axis, name in zip(axes[0], names, strict=True):
        mine = [row for row in rows if row["key"]["backbone"] == name]
        for row in mine:
            _point(axis, row)
        before = mine[0]["retention"]["before"]
        axis.axvline(100 * before, color="grey", linestyle="--", label=f"before training: {before:.1%}")
        axis.set(title=name, xlabel=f"k-NN accuracy on {OLD}, %", ylabel=f"test top-1 on {NEW}, %")
        axis.legend(
            loc="upper center", bbox_to_anchor=(0.5, -0.12), ncols=2, fontsize=8, title=LEGEND, title_fontsize=8
        )
    figure.suptitle(f"Learning {NEW} in {EPOCHS} epochs, keeping {OLD} (bars: 95 % intervals)")
    path = RESULTS / "retention.png"
    figure.savefig(path, dpi=120)
    return path


def _point(axis: Any, row: dict[str, Any]) -> None:
    x, y = 100 * row["retention"]["after"], 100 * row["test_top1"]
    bars = [
        [[abs(100 * end - value)] for end in ends]
        for value, ends in ((x, row["retention"]["intervals"]["after"]), (y, row["test_interval"]))
    ]
    chosen = f" (coefficient {row['coefficient']:g})" if row["key"]["method"] == "blend" else ""
    label = f"{row['key']['method']}{chosen}: {y:.1f}, {x:.1f}"
    axis.errorbar(x, y, xerr=bars[0], yerr=bars[1], fmt="o", capsize=3, elinewidth=0.8, label=label)


def main() -> None:
    """Measure what is not measured yet, or draw it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", nargs="*", default=list(METHODS), choices=METHODS)
    parser.add_argument("--backbone", choices=BACKBONES, default=BACKBONES[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--picture", action="store_true")
    given = parser.parse_args()
    cells = Cells("retention")
    if given.picture:
        print(picture(cells.rows))
        return
    for method in METHODS:
        if method in given.only and not (method == "lora" and given.backbone in CONVOLUTIONAL):
            key = {"method": method, "new": NEW, "old": OLD, "backbone": given.backbone, "epochs": EPOCHS}
            cells.measure({**key, "seed": given.seed}, lambda m=method: cell(m, given.backbone, given.seed))


if __name__ == "__main__":
    main()
