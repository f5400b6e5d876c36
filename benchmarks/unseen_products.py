"""Products that training never saw: are they found better by a solved projection than by frozen features?

    python benchmarks/unseen_products.py [--backbone NAME ...] [--seed N ...]     no epochs; minutes for the features
    python benchmarks/unseen_products.py --markdown

The 81 products of grocery are cut into five parts. For each part the projection of `--task retrieval --method head` is
solved on training and validation photos of the other four; then the phone photos of the test split of this part are
looked up among pictures of all 81: once the studio pictures of iconic/, once the training photos. So every product is
asked for once, as one that the projection never saw, and every difference to frozen features is of the same photos.
Its interval comes from products drawn again (5,000 draws); a seed draws the parts.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from cells import RUNS, SHARED, Cells
from numpy.typing import NDArray

from visionft import backbones
from visionft.data import prepare
from visionft.metrics import unit
from visionft.settings import build
from visionft.tasks.retrieval.linear_discriminant import solve
from visionft.training import frozen_features

GROCERY = SHARED / "data" / "grocery"
BACKBONES, SEEDS = ("mobilenetv2_100", "vit_tiny_patch16_224"), (0, 1, 2)
PARTS, SIZE, DRAWS, TOPS = 5, 256, 5000, (1, 5)
GALLERIES = {"studio": "81 studio pictures", "train": "training photos"}
Features = NDArray[np.float32]


def photos(backbone: str) -> dict[str, Any]:
    """Return features and products, by names, of the splits and of the studio pictures; computed once and kept."""
    kept = RUNS / f"unseen-products-{backbone}.npz"
    if not kept.is_file():
        kept.parent.mkdir(parents=True, exist_ok=True)
        found = _computed(backbone, {"train": "train", "val": "validation", "test": "test"})
        found |= _computed(backbone, {"train": "train", "iconic": "test"}, ("iconic",))
        np.savez(kept, **found)
    return dict(np.load(kept))


def _computed(backbone: str, folders: dict[str, str], wanted: tuple[str, ...] = ()) -> dict[str, Any]:
    weights = str(SHARED / "weights" / f"{backbone}.safetensors")
    flags: dict[str, Any] = {"hardware.workers": 0, "hardware.device": "cpu", "preprocess.mode": "crop"}
    with tempfile.TemporaryDirectory() as place:
        rows = [
            f"{photo},{photo.parent.name},{split}"
            for folder, split in folders.items()
            for photo in sorted((GROCERY / folder).rglob("*.jpg"))
        ]
        table = Path(place) / "photos.csv"
        table.write_text("\n".join(["path,label,split", *rows]) + "\n")
        settings = build(table, None, backbone=backbone, weights=weights, **flags)
        manifest = prepare(settings.photos, settings.data)
    network = backbones.create(backbone, weights, len(manifest.classes)).eval()
    transform, names, found = backbones.preprocess(network, settings.preprocess), np.array(manifest.classes.names), {}
    for folder in wanted or folders:
        part = frozen_features.compute(network, manifest, folders[folder], transform, settings, lambda *_: None)
        found |= {folder: part.features, f"{folder}_product": names[part.labels]}
    return found


def ranks(queries: Features, products: NDArray[Any], gallery: Features, owners: NDArray[Any]) -> NDArray[np.int64]:
    """Return the rank (n,), from 1, of the nearest picture of its own product for each query (n, D)."""
    scores = unit(queries) @ unit(gallery).T
    own = np.where(products[:, None] == owners[None], scores, -np.inf).max(axis=1)
    found: NDArray[np.int64] = 1 + (scores > own[:, None]).sum(axis=1)
    return found


def gain(before: NDArray[np.int64], after: NDArray[np.int64], products: NDArray[Any], top: int) -> list[float]:
    """Return the difference of recall at `top`, and the ends of its 95 % interval over products drawn again."""
    _, product = np.unique(products, return_inverse=True)
    sizes = np.bincount(product)
    sums = np.bincount(product, weights=(after <= top).astype(float) - (before <= top))
    drawn = np.random.default_rng(0).integers(0, len(sizes), (DRAWS, len(sizes)))
    low, high = np.quantile(sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1), [0.025, 0.975])
    return [round(float(value), 4) for value in (sums.sum() / sizes.sum(), low, high)]


def compared(backbone: str, seed: int) -> dict[str, Any]:
    """Return recall of frozen features and of projections that never saw the product asked for, and the gain."""
    found = photos(backbone)
    names = np.unique(found["iconic_product"])
    galleries = {"studio": "iconic", "train": "train"}
    queries, asked = found["test"], found["test_product"]
    frozen = {name: ranks(queries, asked, found[at], found[f"{at}_product"]) for name, at in galleries.items()}
    solved = {name: np.zeros_like(rank) for name, rank in frozen.items()}
    for part in np.array_split(np.random.default_rng(seed).permutation(names), PARTS):
        sides = []
        for side in ("train", "val"):
            seen = ~np.isin(found[f"{side}_product"], part)
            sides += [found[side][seen], np.searchsorted(names, found[f"{side}_product"][seen])]
        projection = solve(*sides, min(SIZE, queries.shape[1]))
        own = np.isin(asked, part)
        for name, at in galleries.items():
            there = found[at] @ projection.weight.T + projection.bias
            here = queries[own] @ projection.weight.T + projection.bias
            solved[name][own] = ranks(here, asked[own], there, found[f"{at}_product"])
    return {
        name: {
            f"recall@{top}": {
                "frozen": round(float((frozen[name] <= top).mean()), 4),
                "projection": round(float((solved[name] <= top).mean()), 4),
                "gain": gain(frozen[name], solved[name], asked, top),
            }
            for top in TOPS
        }
        for name in galleries
    }


def table(rows: list[dict[str, Any]]) -> str:
    """Return the rows as a table of Markdown."""
    lines = ["| backbone, draw | among | | frozen | projection | gain, 95 % interval |", "|---|---|---|---|---|---|"]
    for row in rows:
        for name, words in GALLERIES.items():
            for recall, told in row[name].items():
                middle, low, high = (100 * value for value in told["gain"])
                both = f"{100 * told['frozen']:.1f} | {100 * told['projection']:.1f}"
                which = f"{row['key']['backbone']}, {row['key']['seed']}"
                lines.append(f"| {which} | {words} | {recall} | {both} | {middle:+.1f} ({low:+.1f} to {high:+.1f}) |")
    return "\n".join(lines)


def main() -> None:
    """Measure what is asked for, or print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbone", nargs="*", default=list(BACKBONES))
    parser.add_argument("--seed", nargs="*", type=int, default=list(SEEDS))
    parser.add_argument("--markdown", action="store_true")
    given = parser.parse_args()
    cells = Cells("unseen_products")
    if given.markdown:
        print(table(cells.rows))
        return
    for backbone in given.backbone:
        for seed in given.seed:
            cells.measure({"backbone": backbone, "seed": seed}, lambda b=backbone, s=seed: compared(b, s))


if __name__ == "__main__":
    main()
