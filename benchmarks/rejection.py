"""Claim: `known_score` tells products of unknown classes from known ones better than the largest probability does.

python benchmarks/rejection.py [--set clothing grocery] [--method head full] [--backbone NAME]
python benchmarks/rejection.py --markdown     the tables

A cell leaves some classes out of training, fits the rest and answers the test photos of known classes beside every
photo of the classes left out. Clothing's classes are halved: the score is chosen where classes of one half are left out
(`choose`) and judged where classes of the other are (`judge`); grocery confirms. `far` unknowns are photos of the other
set. The backbone is frozen under `--method head`, so its features are computed once for all cells. Scores are compared
by AUROC and by the share of unknown photos that pass at the threshold which accepts 95 % of known test photos.
"""

from __future__ import annotations

import argparse
import csv
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from cells import SHARED, Cells
from numpy.typing import NDArray
from rejecting import SCORES, Array, Head, Known
from sklearn.metrics import roc_auc_score

from visionft import backbones, data
from visionft.metrics import fit_temperature, reliability
from visionft.runs import Run
from visionft.settings import DataSettings, build
from visionft.training import frozen_features as caching
from visionft.training import linear_probe

SETS = {"clothing": "grocery", "grocery": "clothing"}
LEFT_OUT = {"clothing": 2, "grocery": 16}
CELLS = {"clothing": 5, "grocery": 2}
SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Photos:
    """Features (n, D) and class indices (n,), by split."""

    features: dict[str, Array]
    labels: dict[str, NDArray[np.int64]]


def compared(known: Array, unknown: Array) -> dict[str, float]:
    """Return AUROC, and the share of unknown photos that pass where 95 % of known ones do."""
    truth = np.r_[np.ones(len(known)), np.zeros(len(unknown))]
    threshold = np.quantile(known, 0.05, method="lower")
    return {
        "auroc": round(float(roc_auc_score(truth, np.r_[known, unknown])), 4),
        "fpr95": round(float((unknown >= threshold).mean()), 4),
    }


def embedded(network: backbones.Network, manifest: data.Manifest, preprocess: Any, settings: Any) -> Photos:
    """Compute the features of every split."""
    found = {
        split: caching.compute(network, manifest, split, preprocess, settings, lambda *_: None) for split in SPLITS
    }
    return Photos(
        {split: each.features for split, each in found.items()}, {split: each.labels for split, each in found.items()}
    )


def cached(name: str, backbone: str, cache: Path) -> Photos:
    """Return the frozen backbone's features of a set, from the cache where they are."""
    path = cache / f"{name}-{backbone}.npz"
    if not path.is_file():
        manifest = data.prepare(SHARED / "data" / name, DataSettings())
        network = backbones.create(backbone, SHARED / "weights" / f"{backbone}.safetensors", len(manifest.classes))
        settings = build(SHARED / "data" / name, **{"hardware.device": "cpu", "hardware.workers": 1})
        photos = embedded(network, manifest, backbones.preprocess(network, settings.preprocess), settings)
        cache.mkdir(exist_ok=True)
        arrays = {f"x_{split}": photos.features[split] for split in SPLITS}
        np.savez(path, **arrays, **{f"y_{split}": photos.labels[split] for split in SPLITS})
    stored = np.load(path)
    return Photos({s: stored[f"x_{s}"] for s in SPLITS}, {s: stored[f"y_{s}"] for s in SPLITS})


def left_out(name: str, part: str, number: int, classes: int) -> list[int]:
    """Return the classes that a cell leaves out; those of `choose` and of `judge` are never the same."""
    order = np.random.default_rng(0).permutation(classes)
    half = order[: classes // 2] if part == "choose" else order[classes // 2 :]
    return sorted(np.roll(half, -number * (1 if name == "clothing" else LEFT_OUT[name]))[: LEFT_OUT[name]].tolist())


def kept(photos: Photos, split: str, out: list[int]) -> tuple[Array, NDArray[np.int64]]:
    """Return features and new indices of the classes that are not left out."""
    names = [c for c in range(max(labels.max() for labels in photos.labels.values()) + 1) if c not in out]
    labels = photos.labels[split]
    inside = np.isin(labels, names)
    return photos.features[split][inside], np.searchsorted(names, labels[inside])


def unknowns(photos: Photos, out: list[int]) -> Array:
    """Return the features of every photo of the classes left out."""
    return np.concatenate([photos.features[split][np.isin(photos.labels[split], out)] for split in SPLITS])


def judged(photos: Photos, far: Array, out: list[int], head: Head) -> dict[str, Any]:
    """Compare every score on near and far unknowns, and the probabilities before and after calibration."""
    validation, truth = kept(photos, "validation", out)
    test, answers = kept(photos, "test", out)
    temperature = fit_temperature(head(validation), truth).temperature
    known = Known(*kept(photos, "train", out), validation, head, temperature)
    near, found = unknowns(photos, out), {}
    for name, candidate in SCORES.items():
        score = candidate(known)
        own = score(test)
        found[name] = {"near": compared(own, score(near)), "far": compared(own, score(far))}
    return {
        "left_out": out, "known": len(test), "near": len(near), "far": len(far), "temperature": round(temperature, 4),
        "test_top1": round(float((head(test).argmax(1) == answers).mean()), 4),
        "before": reliability(head(test), answers).to_json(),
        "after": reliability(head(test) / temperature, answers).to_json(),
        "scores": found,
    }  # fmt: skip


def frozen(name: str, backbone: str, cache: Path, out: list[int]) -> dict[str, Any]:
    """Solve the head on the classes that are kept, as `fit --method head` does, and compare."""
    photos, far = cached(name, backbone, cache), cached(SETS[name], backbone, cache).features["test"]
    probe = linear_probe.solve(*kept(photos, "train", out), *kept(photos, "validation", out))
    return judged(photos, far, out, lambda x: x @ probe.weight.T + probe.bias)


def trained(name: str, backbone: str, method: str, out: list[int], epochs: int) -> dict[str, Any]:
    """Fit a run on the classes that are kept, in a process of its own, and compare its own embeddings."""
    folder, root = Path(tempfile.mkdtemp()), SHARED / "data" / name
    manifest = data.prepare(root, DataSettings())
    names = {manifest.classes[c] for c in out}
    table = manifest.table.select(["path", "label", "split"]).to_pylist()
    with (folder / "photos.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", "label", "split"])
        writer.writerows([root / row["path"], row["label"], row["split"]] for row in table if row["label"] not in names)
    weights = SHARED / "weights" / f"{backbone}.safetensors"
    command = [sys.executable, "-m", "visionft", "fit", folder / "photos.csv", "--backbone", backbone]
    command += ["--weights", weights, "--method", method, "--epochs", epochs, "--out", folder / "run"]
    subprocess.run(list(map(str, command)), check=True, stdout=subprocess.DEVNULL)
    run = Run.open(folder / "run")
    network, settings = run.network(), run.settings
    photos = embedded(network, manifest, run.preprocess, settings)
    other = data.prepare(SHARED / "data" / SETS[name], DataSettings())
    far = caching.compute(network, other, "test", run.preprocess, settings, lambda *_: None).features
    shutil.rmtree(folder)

    def head(x: Array) -> Array:
        with torch.inference_mode():
            logits: Array = network.head(torch.from_numpy(np.ascontiguousarray(x, np.float32))).numpy()
        return logits

    return judged(photos, far, out, head)


def markdown(rows: list[dict[str, Any]]) -> str:
    """Return a table for each set, part and method: the mean over cells, AUROC and FPR95, near and far."""
    parts = []
    for key in sorted({(r["key"]["set"], r["key"]["method"], r["key"]["part"]) for r in rows}):
        mine = [r for r in rows if (r["key"]["set"], r["key"]["method"], r["key"]["part"]) == key]
        lines = [f"{', '.join(key)}: {len(mine)} cells", "", "| score | AUROC | FPR95 | far AUROC | far FPR95 |"]
        lines.append("|---|---|---|---|---|")
        for name in (name for name in SCORES if all(name in row["scores"] for row in mine)):
            figures = [
                100 * np.mean([row["scores"][name][side][figure] for row in mine])
                for side in ("near", "far")
                for figure in ("auroc", "fpr95")
            ]
            lines.append(f"| {name} | {' | '.join(f'{figure:.1f}' for figure in figures)} |")
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def main() -> None:
    """Measure what is not measured yet, or print the tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--set", nargs="*", choices=SETS, default=list(SETS))
    parser.add_argument("--method", nargs="*", default=["head"])
    parser.add_argument("--backbone", default="mobilenetv2_100")
    parser.add_argument("--number", type=int, nargs="*", help="which cells of each part; none: all")
    parser.add_argument("--part", nargs="*", choices=["choose", "judge"], default=["choose", "judge"])
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "visionft-rejection")
    parser.add_argument("--markdown", action="store_true")
    given = parser.parse_args()
    cells = Cells("rejection")
    if given.markdown:
        print(markdown(cells.rows))
        return
    for name in given.set:
        classes = len(data.prepare(SHARED / "data" / name, DataSettings()).classes)
        for part, number in [(p, i) for p in given.part for i in given.number or range(CELLS[name])]:
            out = left_out(name, part, number, classes)
            for method in given.method:
                key = {"set": name, "backbone": given.backbone, "method": method, "part": part, "number": number}
                work = (
                    partial(frozen, name, given.backbone, given.cache, out)
                    if method == "head"
                    else partial(trained, name, given.backbone, method, out, given.epochs)
                )
                cells.measure(key, work)


if __name__ == "__main__":
    main()
