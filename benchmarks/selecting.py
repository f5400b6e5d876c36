"""Are photos that `visionft select` chooses worth more than random ones? `python benchmarks/selecting.py FOLDER...`.

Each folder has train and test (else validation) in class folders. Features of the frozen backbone that comes with the
package, a logistic regression on the labelled ones, top-1 on test after 1, 2, 5 and 10 photos a class on average.
Differences to random photos over seeds, with the paired 95 % interval of Student's t.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from sklearn.linear_model import LogisticRegression

from visionft import auditing, backbones
from visionft.auditing.photo_features import compute
from visionft.auditing.worth_labelling import typical, uncertain
from visionft.data.prepare import list_photos
from visionft.data.verify_photos import check
from visionft.settings import DataSettings

SHOTS, SEEDS = (1, 2, 5, 10), 5
Rows = NDArray[np.int64]
Choose = Callable[[NDArray[np.float32], NDArray[np.int64], Rows, int, int], Rows]


def features(place: Path) -> dict[str, tuple[NDArray[np.float32], NDArray[np.int64]]]:
    """Return embeddings (n, D) and labels (n,) of train and of what is held out."""
    settings = DataSettings()
    checked = check(list_photos(place, settings), settings.max_pixels)
    table = checked.table
    network = backbones.create(backbones.OFFLINE_BACKBONE, "hub", 1)
    found = compute(network, checked.root, table["path"].to_pylist(), table["digest"].to_pylist()).embeddings()
    _, labels = np.unique(np.array(table["label"].to_pylist(), object), return_inverse=True)
    splits = np.array(table["split"].to_pylist())
    held = "test" if (splits == "test").any() else "validation"
    return {name: (found[splits == of], labels[splits == of]) for name, of in (("train", "train"), ("test", held))}


def fitted(x: NDArray[np.float32], y: NDArray[np.int64]) -> Callable[[NDArray[np.float32]], NDArray[np.int64]]:
    """Return what a solved head answers; of one class that class."""
    if len(np.unique(y)) == 1:
        return lambda asked: np.full(len(asked), y[0])
    return LogisticRegression(C=100, max_iter=300).fit(x, y).predict


def at_random(x: NDArray[np.float32], _: NDArray[np.int64], have: Rows, count: int, seed: int) -> Rows:
    """Choose photos at random."""
    free = np.setdiff1d(np.arange(len(x)), have)
    return np.random.default_rng(1000 * seed + len(have)).choice(free, count, replace=False)


def by_type(x: NDArray[np.float32], _: NDArray[np.int64], have: Rows, count: int, seed: int) -> Rows:
    """Choose typical photos."""
    return typical(x, have, count, seed=seed)


def by_doubt(x: NDArray[np.float32], y: NDArray[np.int64], have: Rows, count: int, seed: int) -> Rows:
    """Choose uncertain and diverse photos; the first ones are typical, as there is nothing to be uncertain by."""
    if not len(have):
        return typical(x, have, count, seed=seed)
    return uncertain(x, have, count, fitted(x[have], y[have]), seed=seed)


WAYS: dict[str, Choose] = {"random": at_random, "typical": by_type, "uncertain": by_doubt}


def main(places: list[str]) -> None:
    """Print a row a number of photos and a way."""
    assert auditing.THRESHOLD, "the audit's features are those of the selection"
    for place in places:
        parts = features(Path(place))
        (x, y), (asked, truth) = parts["train"], parts["test"]
        kinds = len(np.unique(y))
        scores = {name: np.zeros((SEEDS, len(SHOTS))) for name in WAYS}
        for name, choose in WAYS.items():
            for seed in range(SEEDS):
                have = np.empty(0, np.int64)
                for column, shots in enumerate(SHOTS):
                    have = np.concatenate([have, choose(x, y, have, shots * kinds - len(have), seed)])
                    scores[name][seed, column] = (fitted(x[have], y[have])(asked) == truth).mean()
        print(f"{place}: {len(x)} photos to choose from, {kinds} classes, {len(truth)} test photos, {SEEDS} seeds")
        for column, shots in enumerate(SHOTS):
            base = scores["random"][:, column]
            print(f"  {shots:>2} a class: random {base.mean():.1%}", end="")
            for name in list(WAYS)[1:]:
                gain = scores[name][:, column] - base
                half = stats.t.ppf(0.975, SEEDS - 1) * gain.std(ddof=1) / np.sqrt(SEEDS)
                low, high = 100 * (gain.mean() - half), 100 * (gain.mean() + half)
                print(f"; {name} {scores[name][:, column].mean():.1%} ({low:+.1f} to {high:+.1f})", end="")
            print(flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
