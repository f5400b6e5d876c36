"""Visual search: how often the right product is found, and how long a search takes over many vectors.

    python benchmarks/visual_search.py grocery --backbone mobilenetv2_100
    python benchmarks/visual_search.py grocery --backbone mobilenetv2_100 --method full --epochs 3
    python benchmarks/visual_search.py vectors --number 100000
    python benchmarks/visual_search.py knn --data clothing
    python benchmarks/visual_search.py strangers

Knn: test photos get their classes by a vote of the training photos, whose rule was chosen without the test photos.
Strangers: 20 classes of grocery are left out of an index of the training photos; told is how many of their test photos
are found all the same, and how many of the others' are refused, at the index's own threshold. Both on frozen features.

Grocery: the phone photos of the test split are looked up among the 81 studio pictures of iconic/, one of each class;
`--method head` leaves the backbone as it came, so these are frozen features. Vectors: real embeddings of test photos by
the frozen backbone, projected to 256 numbers and given noise, so that they lie as embeddings do; the rows have a column
for conditions. Times are of one query within an open index, `first` with what is read before it.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from cells import RUNS, SHARED, Cells
from prototypes import features

import visionft
from visionft.metrics import unit
from visionft.searching import look_up as lookups
from visionft.searching import neighbours
from visionft.searching.condition import matching
from visionft.searching.knn_classifier import Classifier
from visionft.searching.look_up import Question
from visionft.searching.open_store import open_to_write, opened, reader
from visionft.searching.origin import Origin
from visionft.searching.store import Store
from visionft.searching.threshold import QUERIES as QUERIES_OF_FIT
from visionft.searching.threshold import fit_threshold

NUMBERS, TOP, QUERIES, NOISE = 256, 10, 200, 0.5
GROCERY = SHARED / "data" / "grocery"


def run_of(backbone: str, method: str, epochs: str, seed: int) -> Path:
    """Return a finished run on grocery, trained now unless it was before."""
    out = RUNS / f"visual_search-{backbone}-{method}-{epochs}-{seed}"
    weights = SHARED / "weights" / f"{backbone}.safetensors"
    flags: dict[str, Any] = {"method": method, "backbone": backbone, "weights": str(weights), "seed": seed, "out": out}
    if method != "head":
        flags["epochs"] = epochs
    visionft.fit(GROCERY, **flags)
    return out


def grocery(backbone: str, method: str, epochs: str, seed: int) -> dict[str, Any]:
    """Return recall of iconic pictures by phone photos, and how many photos are embedded in a second."""
    run = run_of(backbone, method, epochs, seed)
    with tempfile.TemporaryDirectory() as place:
        visionft.index(run, GROCERY / "iconic", out=Path(place) / "iconic")
        began = time.perf_counter()
        found = visionft.search(Path(place) / "iconic", GROCERY / "test", top=5)
        seconds = time.perf_counter() - began
    asked = [row for row in found if row.problem is None]
    labels = [Path(row.photo).parent.relative_to(GROCERY / "test").as_posix() for row in asked]
    right = np.array([[hit.label == label for hit in row.hits] for row, label in zip(asked, labels, strict=True)])
    recall = {f"recall@{k}": round(float(right[:, :k].any(axis=1).mean()), 4) for k in (1, 5)}
    return {**recall, "queries": len(asked), "queries_per_second": round(len(asked) / seconds, 1)}


def embeddings(backbone: str) -> np.ndarray:
    """Return the frozen embeddings (n, D) of the test photos of grocery."""
    place = RUNS / f"visual_search-{backbone}-index"
    visionft.index(run_of(backbone, "head", "auto", 0), GROCERY / "test", out=place)
    with opened(place) as store:
        return np.concatenate([vectors for _, vectors in store.vectors()])


def spread(real: np.ndarray, number: int) -> np.ndarray:
    """Return vectors (number, NUMBERS) of length 1: real ones, projected, with noise of `NOISE` times their length."""
    random = np.random.default_rng(0)
    projected = real @ random.normal(size=(real.shape[1], NUMBERS)).astype(np.float32)
    projected /= np.linalg.norm(projected, axis=1, keepdims=True)
    made = projected[random.integers(len(real), size=number)]
    made += random.normal(scale=NOISE / NUMBERS**0.5, size=made.shape).astype(np.float32)
    return np.asarray(made / np.linalg.norm(made, axis=1, keepdims=True), "<f4")


def labelled(place: Path, rows: np.ndarray, labels: np.ndarray) -> Store:
    """Return an index of vectors (n, D) with classes (n,)."""
    store = open_to_write(place)
    with store.transaction():
        store.keep("origin", Origin("bundle", "none", "0" * 64, None, "none", rows.shape[1]).to_json())
        photos = ((at + 1, f"{at}.jpg", at.to_bytes(8, "big"), f"c{label}") for at, label in enumerate(labels))
        store.connection.executemany("INSERT INTO photos VALUES (?, ?, ?, ?, NULL, NULL)", photos)
        store.connection.executemany(
            "INSERT INTO vectors VALUES (?, ?)", ((at + 1, row.astype("<f4").tobytes()) for at, row in enumerate(rows))
        )
    return store


def knn(data: str, backbone: str) -> dict[str, Any]:
    """Return what a vote of the training photos is worth on test photos, beside what was chosen by."""
    split = features(data, backbone)
    with (
        tempfile.TemporaryDirectory() as place,
        closing(labelled(Path(place), unit(split["train"]), split["train_y"])) as store,
    ):
        began = time.perf_counter()
        classifier = Classifier.of(store)
        chosen = time.perf_counter() - began
        answers = classifier.answers(store, list(unit(split["test"])))
    truth = [f"c{label}" for label in split["test_y"]]
    places = np.array([classifier.classes.index(name) for name in truth])
    shares = np.stack([answer.probabilities for answer in answers])
    right = shares.argmax(axis=1) == places
    return {
        "vote": classifier.vote.to_json(), "chosen_s": round(chosen, 1), "test_top1": round(float(right.mean()), 4),
        "test_log_loss": round(float(-np.log(shares[np.arange(len(places)), places]).mean()), 4),
    }  # fmt: skip


def strangers(backbone: str, apart: int) -> dict[str, Any]:
    """Return both false rates at the index's own threshold, with so many classes left out of it."""
    split = features("grocery", backbone)
    classes = int(split["train_y"].max()) + 1
    left = np.random.default_rng(0).permutation(classes)[:apart]
    kept = ~np.isin(split["train_y"], left)
    gallery, asked = unit(split["train"][kept]), unit(split["test"])
    with (
        tempfile.TemporaryDirectory() as place,
        closing(labelled(Path(place), gallery, split["train_y"][kept])) as store,
    ):
        fitted = fit_threshold(store.sample(QUERIES_OF_FIT), store.chunks)
    best, strange = (asked @ gallery.T).max(axis=1), np.isin(split["test_y"], left)
    return {
        "threshold": fitted.to_json(), "photos": int(kept.sum()),
        "strangers": int(strange.sum()), "false_accept": round(float((best[strange] >= fitted.value).mean()), 4),
        "known": int((~strange).sum()), "false_reject": round(float((best[~strange] < fitted.value).mean()), 4),
    }  # fmt: skip


def fill(store: Store, rows: np.ndarray) -> None:
    """Write rows with a column `shade` of 0 to 99."""
    with store.transaction():
        store.keep("origin", Origin("bundle", "none", "0" * 64, None, "none", NUMBERS).to_json())
    store.add_columns(["shade"])
    for start in range(0, len(rows), 1000):
        some = range(start, min(start + 1000, len(rows)))
        with store.transaction():
            photos = ((at + 1, f"{at}.jpg", at.to_bytes(8, "big"), f"c{at % 1000}", at % 100) for at in some)
            store.connection.executemany("INSERT INTO photos VALUES (?, ?, ?, ?, NULL, NULL, ?)", photos)
            store.connection.executemany(
                "INSERT INTO vectors VALUES (?, ?)", ((at + 1, rows[at].tobytes()) for at in some)
            )


def timed(store: Store, queries: np.ndarray, question: Question) -> tuple[dict[str, float], list[set[str]]]:
    """Return p50 and p99 of a query in milliseconds, and the hits of each."""
    gallery, times, hits = lookups._Gallery(store, question), [], []
    gallery.hits(queries[0])  # what is read once for all queries
    for query in queries:
        began = time.perf_counter()
        found = gallery.hits(query)
        times.append((time.perf_counter() - began) * 1000)
        hits.append({hit.path for hit in found})
    return {
        "p50_ms": round(float(np.quantile(times, 0.5)), 2),
        "p99_ms": round(float(np.quantile(times, 0.99)), 2),
    }, hits


def vectors(backbone: str, number: int) -> dict[str, Any]:
    """Return times of filling, linking and searching, sizes on disk, and recall beside exact search."""
    rows = spread(embeddings(backbone), number + QUERIES)
    rows, queries = rows[:number], rows[number:]
    told: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as place, closing(open_to_write(Path(place))) as store:
        began = time.perf_counter()
        fill(store, rows)
        told["fill_s"] = round(time.perf_counter() - began, 1)
        told["exact_estimate_ms"] = round(neighbours.exact_seconds(store, number) * 1000, 2)
        began = time.perf_counter()
        first = lookups.look_up(store, [queries[0]], Question(TOP))
        told["first_exact_s"] = round(time.perf_counter() - began, 2)
        told["exact"], exact = timed(store, queries, Question(TOP))
        began = time.perf_counter()
        neighbours.build(store)
        told["link_s"] = round(time.perf_counter() - began, 1)
        began = time.perf_counter()
        lookups.look_up(store, [queries[0]], Question(TOP))
        told["first_approximate_s"] = round(time.perf_counter() - began, 3)
        told["approximate"], near = timed(store, queries, Question(TOP))
        told["recall@10"] = round(float(np.mean([len(a & b) / TOP for a, b in zip(exact, near, strict=True)])), 4)
        for share, where in ((0.5, "shade < 50"), (0.01, "shade = 7")):
            with closing(reader(Path(place))) as apart:
                began = time.perf_counter()
                allowed = matching(apart, where, store.columns)
                condition = round((time.perf_counter() - began) * 1000, 1)
            figures, _ = timed(store, queries[:50], Question(TOP, allowed=allowed))
            told[f"where_{share:g}"] = {"condition_ms": condition, **figures}
        told["per_product"], _ = timed(store, queries[:50], Question(TOP, per_product=True))
        told["megabytes"] = {file.name: round(file.stat().st_size / 1e6) for file in Path(place).iterdir()}
        assert len(first[0]) == TOP
    return told


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["grocery", "vectors", "knn", "strangers"])
    parser.add_argument("--data", choices=["clothing", "grocery"], default="grocery")
    parser.add_argument("--apart", type=int, default=20)
    parser.add_argument("--backbone", default="mobilenetv2_100")
    parser.add_argument("--method", default="head")
    parser.add_argument("--epochs", default="auto")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--number", type=int, default=100_000)
    given = parser.parse_args()
    cells = Cells("visual_search")
    if given.what == "grocery":
        key = {name: getattr(given, name) for name in ("what", "backbone", "method", "epochs", "seed")}
        cells.measure(key, lambda: grocery(given.backbone, given.method, given.epochs, given.seed))
    elif given.what == "knn":
        key = {name: getattr(given, name) for name in ("what", "data", "backbone")}
        cells.measure(key, lambda: knn(given.data, given.backbone))
    elif given.what == "strangers":
        key = {name: getattr(given, name) for name in ("what", "backbone", "apart")}
        cells.measure(key, lambda: strangers(given.backbone, given.apart))
    else:
        key = {"what": "vectors", "number": given.number, "numbers": NUMBERS}
        cells.measure(key, lambda: vectors(given.backbone, given.number))


if __name__ == "__main__":
    main()
