"""Which studio picture is a phone photo of, by embeddings that were learnt for it and by those that were not?

    python benchmarks/learned_search.py

Training sees some photos of each class of grocery; with `--held-out` none of so many whole classes. Then the phone
photos of the test split are looked up among the 81 studio pictures of iconic/, one of each class: recall@1 and @5 of
all photos and of those whose class was held out, with 95 % intervals from classes drawn again. Three kinds of
embeddings: of the frozen backbone, after `fit` (classification), after `fit --task retrieval` by each loss, and by its
projection alone (`--method head`). Small photos, few of each class and few epochs: one seed, to compare, not to boast.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from cells import RUNS, SHARED, Cells

import visionft

GROCERY = SHARED / "data" / "grocery"
BACKBONE, PIXELS, EACH, EPOCHS, DRAWS, TOPS = "mobilenetv2_100", 128, 12, 2, 2000, (1, 5)
WAYS: dict[str, dict[str, Any]] = {
    "frozen features": {"method": "head"},
    "classification": {"method": "full", "epochs": EPOCHS},
    "retrieval, projection alone": {"task": "retrieval", "method": "head"},
    "retrieval, arcface": {"task": "retrieval", "method": "full", "epochs": EPOCHS, "loss": "arcface"},
    "retrieval, proxy_anchor": {"task": "retrieval", "method": "full", "epochs": EPOCHS, "loss": "proxy_anchor"},
    "retrieval, supcon": {"task": "retrieval", "method": "full", "epochs": EPOCHS, "loss": "supcon"},
}


def classes() -> list[str]:
    """Return the names of the classes, which end the paths of their folders."""
    return sorted({photo.parent.name for photo in (GROCERY / "iconic").rglob("*.jpg")})


def held_out(number: int) -> set[str]:
    """Return so many classes, drawn once and for all."""
    names = classes()
    return {names[place] for place in np.random.default_rng(0).permutation(len(names))[:number]}


def manifest(apart: set[str], place: Path) -> Path:
    """Write the photos of training and validation, without those of some classes."""
    rows = ["path,label,split"]
    for folder, split, each in (("train", "train", EACH), ("val", "validation", None)):
        for inner in sorted({photo.parent for photo in (GROCERY / folder).rglob("*.jpg")}):
            photos = sorted(inner.glob("*.jpg"))[:each]
            rows += [f"{photo},{inner.name},{split}" for photo in photos if inner.name not in apart]
    place.write_text("\n".join(rows) + "\n")
    return place


def right(run: Path, place: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return for each phone photo its class, and whether the right picture is among the first 1 and 5 (n, 2)."""
    visionft.index(run, GROCERY / "iconic", out=place)
    asked = [row for row in visionft.search(place, GROCERY / "test", top=max(TOPS)) if row.problem is None]
    truth = [Path(row.photo).parent.name for row in asked]
    hits = np.array(
        [[Path(hit.label).name == name for hit in row.hits] for row, name in zip(asked, truth, strict=True)]
    )
    return np.array(truth), np.stack([hits[:, :top].any(axis=1) for top in TOPS], axis=1)


def recall(truth: np.ndarray, found: np.ndarray) -> dict[str, Any]:
    """Return recall with its 95 % interval, over classes drawn again, in percent."""
    names, product = np.unique(truth, return_inverse=True)
    photos = np.bincount(product)
    sums = np.stack([np.bincount(product, column) for column in found.T.astype(float)], axis=1)
    drawn = np.random.default_rng(0).multinomial(len(names), np.full(len(names), 1 / len(names)), size=DRAWS)
    ends = np.quantile((drawn @ sums) / (drawn @ photos)[:, None], [0.025, 0.975], axis=0)
    told = {
        f"recall@{top}": [round(100 * float(value), 1) for value in (found[:, i].mean(), *ends[:, i])]
        for i, top in enumerate(TOPS)
    }
    return {**told, "photos": len(truth), "classes": len(names)}


def measure(way: str, number: int, seed: int) -> dict[str, Any]:
    """Fit in one way, search, and return recall of all photos and of those of held-out classes."""
    apart, began = held_out(number), time.perf_counter()
    weights = SHARED / "weights" / f"{BACKBONE}.safetensors"
    flags: dict[str, Any] = {"backbone": BACKBONE, "weights": str(weights), "preprocess.size": PIXELS, "seed": seed}
    out = RUNS / f"learned_search-{way.replace(', ', '-').replace(' ', '_')}-{number}-{seed}"
    with tempfile.TemporaryDirectory() as place:
        run = visionft.fit(manifest(apart, Path(place) / "photos.csv"), **flags, **WAYS[way], out=out)
        fitted = time.perf_counter() - began
        truth, found = right(run.path, Path(place) / "iconic")
    unseen = np.isin(truth, sorted(apart))
    told = {"all": recall(truth, found)}
    if apart:
        told |= {"held out": recall(truth[unseen], found[unseen]), "seen": recall(truth[~unseen], found[~unseen])}
    return {**told, "fit_s": round(fitted, 1), "kept_epoch": run.result["kept_epoch"]}


def main() -> None:
    """Measure every way that is not measured yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ways", nargs="+", choices=list(WAYS), default=list(WAYS))
    parser.add_argument("--held-out", nargs="+", type=int, default=[0, 20])
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    cells = Cells("learned_search")
    for number in given.held_out:
        for way in given.ways:
            key = {"way": way, "held_out": number, "seed": given.seed, "each": EACH, "pixels": PIXELS}
            cells.measure(key, lambda way=way, number=number: measure(way, number, given.seed))


if __name__ == "__main__":
    main()
