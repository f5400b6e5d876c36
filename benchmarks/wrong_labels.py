"""What an audit says of wrong labels, beside cleanlab, and how much of what they cost comes back.

    python benchmarks/wrong_labels.py [--set clothing] [--noise 0.05 0.1 0.2] [--to any] [--seed 0]
    python benchmarks/wrong_labels.py --markdown

A share of all photos is given another class: any at random, or the one whose photos are most alike on average. Ranked
by the probability of the own label, and said; beside cleanlab's defaults on the same probabilities. Then a head is
solved on train, with validation to choose its strength, and scored on the true labels of test: on true labels, on
spoiled ones, after `fit --apply` has followed the suggestions (it relabels those that are sure and leaves the others),
and after a person has looked at all photos that are said, or at as many as there are wrong ones, and mended them.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from cells import SHARED, Cells
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score

from visionft import backbones
from visionft.auditing.audit_photos import label_findings
from visionft.auditing.label_errors import LabelQuality, judge
from visionft.auditing.photo_features import compute
from visionft.data import prepare
from visionft.settings import DataSettings
from visionft.training.linear_probe import solve

TELLING = 0.02  # of top-1: of a smaller loss no share can be told
FIGURES = ("auroc", "average_precision", "precision", "recall")
AFTER = ("true", "spoiled", "followed", "looked_at_said", "looked_at_as_many")
Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Photos:
    """Features (n, D), true labels (n,), splits (n,), paths and class names of a set."""

    x: NDArray[np.float32]
    truth: Labels
    split: NDArray[Any]
    paths: list[str]
    names: list[str]


def photos_of(name: str) -> Photos:
    """Return what the audit's backbone sees of a set."""
    manifest = prepare(SHARED / "data" / name, DataSettings())
    table, names = manifest.table, list(manifest.classes.names)
    network = backbones.create(backbones.OFFLINE_BACKBONE, "hub", 1)
    paths = table["path"].to_pylist()
    features = compute(network, manifest.root, paths, table["digest"].to_pylist())
    place = {label: at for at, label in enumerate(names)}
    truth = np.array([place[label] for label in table["label"].to_pylist()])
    return Photos(features.embeddings(), truth, np.array(table["split"].to_pylist()), paths, names)


def spoiled(photos: Photos, noise: float, to: str, seed: int) -> Labels:
    """Give a share of the photos another class."""
    rng, kinds = np.random.default_rng(seed), len(photos.names)
    wrong = rng.random(len(photos.truth)) < noise
    if to == "any":
        return np.where(wrong, (photos.truth + rng.integers(1, kinds, len(photos.truth))) % kinds, photos.truth)
    middles = np.stack([photos.x[photos.truth == at].mean(axis=0) for at in range(kinds)])
    middles -= middles.mean(axis=0)
    alike = (middles @ middles.T) / np.outer(*[np.linalg.norm(middles, axis=1)] * 2)
    np.fill_diagonal(alike, -np.inf)
    return np.where(wrong, alike.argmax(axis=1)[photos.truth], photos.truth)


def said(given: Labels, wrong: NDArray[np.bool_], quality: LabelQuality) -> dict[str, Any]:
    """Compare what is said, by the audit and by cleanlab, with what is wrong."""
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    judged = ~np.isnan(quality.confidence)  # classes with too few photos are left out, for both
    found: dict[str, Any] = {"judged": int(judged.sum())}
    sound, own = quality.probabilities[judged], given[judged]
    marks = {
        "ours": (quality.confidence[judged], quality.suspect[judged]),
        "cleanlab": (get_label_quality_scores(own, sound), find_label_issues(own, sound, n_jobs=1)),
    }
    for name, (score, marked) in marks.items():
        found[name] = {
            "auroc": round(float(roc_auc_score(wrong[judged], -score)), 4),
            "average_precision": round(float(average_precision_score(wrong[judged], -score)), 4),
            "said": int(marked.sum()),
            "precision": round(float(wrong[judged][marked].mean()), 4),
            "recall": round(float(marked[wrong[judged]].sum() / wrong.sum()), 4),
        }
    return found


def accuracy(photos: Photos, labels: Labels) -> float:
    """Return top-1 on the true labels of test, of a head solved on labels of train and validation."""
    train, held, test = (photos.split == name for name in ("train", "validation", "test"))
    probe = solve(photos.x[train], labels[train], photos.x[held], labels[held])
    answers = (photos.x[test] @ probe.weight.T + probe.bias).argmax(axis=1)
    return round(float((answers == photos.truth[test]).mean()), 4)


def round_trip(photos: Photos, given: Labels, quality: LabelQuality) -> dict[str, float]:
    """Return the accuracy on true labels, on spoiled ones, and after each way of mending them."""
    followed, place = given.copy(), {path: at for at, path in enumerate(photos.paths)}
    for finding in label_findings(photos.paths, photos.names, given, quality):
        advice = finding.suggestions[0]
        if advice.action == "relabel":
            followed[place[advice.path]] = photos.names.index(advice.value)
    order = np.argsort(quality.confidence, kind="stable")  # NaN, which nobody judged, comes last
    as_many = order[: int((given != photos.truth).sum())]
    looked, at_as_many = np.where(quality.suspect, photos.truth, given), given.copy()
    at_as_many[as_many] = photos.truth[as_many]
    labels = (photos.truth, given, followed, looked, at_as_many)
    return {name: accuracy(photos, each) for name, each in zip(AFTER, labels, strict=True)}


def measured(photos: Photos, noise: float, to: str, seed: int) -> dict[str, Any]:
    """Spoil labels, judge them, and mend them."""
    given = spoiled(photos, noise, to, seed)
    wrong = given != photos.truth
    quality = judge(lambda at: photos.x[at], given, np.arange(len(given)), len(photos.names))
    top1 = round_trip(photos, given, quality)
    facts = {"photos": len(given), "wrong": int(wrong.sum()), **said(given, wrong, quality), "top1": top1}
    cost = top1["true"] - top1["spoiled"]
    back = {name: round((top1[name] - top1["spoiled"]) / cost, 3) for name in AFTER[2:]} if cost > 0 else {}
    return {**facts, "share_back": back}


def markdown(rows: Sequence[dict[str, Any]]) -> str:
    """Return a table of what is said, and one of the way round."""
    first = ["| set | noise | to | | AUROC | AP | precision | recall |", "|---|---|---|---|---|---|---|---|"]
    second = [
        "| set | noise | to | true labels | spoiled | followed | looked at those said | at as many as are wrong |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        key = row["key"]
        head = f"| {key['set']} | {key['noise']:.0%} | {key['to']} "
        figures = {who: " | ".join(f"{row[who][name]:.3f}" for name in FIGURES) for who in ("ours", "cleanlab")}
        first += [f"{head}| {who} | {cells} |" for who, cells in figures.items()]
        cost = row["top1"]["true"] - row["top1"]["spoiled"]
        back = row["share_back"] if cost >= TELLING else {}
        cells = [f"{row['top1'][name]:.1%}" + (f" ({back[name]:.0%})" if name in back else "") for name in AFTER]
        second.append(f"{head}| {' | '.join(cells)} |")
    return "\n".join([*first, "", *second])


def main() -> None:
    """Measure what is not measured yet, or print the tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--set", nargs="*", default=["clothing", "grocery"])
    parser.add_argument("--noise", type=float, nargs="*", default=[0.05, 0.1, 0.2])
    parser.add_argument("--to", choices=["any", "similar"], nargs="*", default=["any", "similar"])
    parser.add_argument("--seed", type=int, nargs="*", default=[0])
    parser.add_argument("--markdown", action="store_true")
    given = parser.parse_args()
    cells = Cells("wrong_labels")
    if given.markdown:
        print(markdown(cells.rows))
        return
    for name in given.set:
        photos = photos_of(name)
        for noise, to, seed in ((n, t, s) for n in given.noise for t in given.to for s in given.seed):
            key = {"set": name, "noise": noise, "to": to, "seed": seed}
            cells.measure(key, partial(measured, photos, noise, to, seed))


if __name__ == "__main__":
    main()
