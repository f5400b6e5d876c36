"""Claim: a temperature fitted to validation photos makes test log-loss no worse, and the calibration error smaller.

python benchmarks/calibration.py RUN ...      finished runs, such as those that methods.py leaves in build/runs
python benchmarks/calibration.py --markdown   the table

A cell is one run: the temperature that today's rule fits to its validation photos, and log-loss and calibration error
of its test photos with and without it. The difference in log-loss is paired, photo by photo.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from cells import Cells
from numpy.typing import NDArray
from scipy.stats import bootstrap

from visionft.backbones import forward_batches
from visionft.data import EvalPhotos, eval_batches
from visionft.metrics import evaluate_logits, fit_temperature, softmax
from visionft.runs import Run


def outputs(run: Run, split: str) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return logits (n, C) and labels (n,) of the run's photos."""
    manifest = run.manifest()
    rows = EvalPhotos(manifest.rows(split), manifest.root, run.preprocess)
    answers = forward_batches(run.network(), eval_batches(rows, 64, 1), run.preprocess, device="cpu", want=("logits",))
    return answers["logits"], answers["labels"]


def losses(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return each photo's log-loss in nats."""
    return -np.log(softmax(logits)[np.arange(len(labels)), labels].clip(1e-12))


def measure(place: Path) -> dict[str, Any]:
    """Fit to validation, measure on test."""
    run = Run.open(place)
    found = fit_temperature(*outputs(run, "validation"))
    logits, labels = outputs(run, "test")
    told = evaluate_logits(logits, labels, run.classes.names, temperature=found.temperature)
    before = evaluate_logits(logits, labels, run.classes.names)
    gain = losses(logits, labels) - losses(logits / found.temperature, labels)
    drawn = bootstrap((gain,), np.mean, method="percentile", rng=0).confidence_interval if found.fitted else (0.0, 0.0)
    return {
        "temperature": found.temperature,
        "fitted": found.fitted,
        "validation": found.photos,
        "n": len(labels),
        "log_loss": {"before": before.log_loss, "after": told.log_loss},
        "log_loss_gain": [float(end) for end in drawn],
        "ece": {"before": before.ece, "after": told.ece},
        "ece_interval": {"before": before.intervals["ece"], "after": told.intervals["ece"]},
    }


def markdown(rows: list[dict[str, Any]]) -> str:
    """Return one line a run."""
    lines = ["| run | n | temperature | log-loss | gain, 95 % interval | calibration error |", "|---" * 6 + "|"]
    for row in rows:
        loss, ece, (low, high) = row["log_loss"], row["ece"], row["log_loss_gain"]
        fitted = f"{row['temperature']:.2f}" if row["fitted"] else "1 (no need)"
        lines.append(
            f"| {row['key']['run']} | {row['n']:,} | {fitted} | {loss['before']:.3f} -> {loss['after']:.3f} | "
            f"{low:+.3f} to {high:+.3f} | {ece['before']:.1%} -> {ece['after']:.1%} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure runs that are not measured yet, or print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("runs", type=Path, nargs="*")
    parser.add_argument("--markdown", action="store_true")
    given = parser.parse_args()
    cells = Cells("calibration")
    if given.markdown:
        print(markdown(cells.rows))
        return
    if not given.runs:
        parser.error("no run was given; give folders of finished runs, or --markdown")
    for place in given.runs:
        cells.measure({"run": place.name}, partial(measure, place))


if __name__ == "__main__":
    main()
