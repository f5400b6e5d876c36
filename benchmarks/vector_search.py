"""A million vectors: how an index keeps them, beside faiss's flat index and its graph, by the same queries.

    python benchmarks/vector_search.py --number 1000000 --ways binary "faiss flat"
    python benchmarks/vector_search.py --number 100000

Vectors are real embeddings (test photos of grocery, frozen mobilenetv2_100), projected to 256 numbers, with noise of
half their length; queries are made alike. Each way is a process of its own. Recall is of the exact ten. `memory` is
what the process holds more at its end than before, the vectors given to it apart; `load` the machine's at the start.
faiss-cpu has to be installed for its ways; its graph has the same connectivity and widths as ours.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from cells import Cells
from prototypes import features

from visionft.metrics import unit
from visionft.searching import look_up as lookups
from visionft.searching import neighbours
from visionft.searching.condition import matching
from visionft.searching.look_up import Question
from visionft.searching.open_store import keep_vectors_as, open_to_write, reader
from visionft.searching.origin import Origin
from visionft.searching.stored_vectors import KINDS, encode

NUMBERS, TOP, QUERIES, NOISE, BLOCK = 256, 10, 200, 0.5, 50_000
WAYS = (*KINDS, "faiss flat", "faiss graph")
CONNECTIVITY, WHILE_ADDING, WHILE_SEARCHING = 16, 128, 256  # those of visionft.searching.neighbours
FILTERED = 7  # of 100 shades

Answers = list[set[int]]


def made(number: int) -> tuple[np.ndarray, np.ndarray]:
    """Return vectors (number, 256) and queries (200, 256) of length 1."""
    random = np.random.default_rng(0)
    real = unit(features("grocery", "mobilenetv2_100")["test"])
    projected = unit(real @ random.normal(size=(real.shape[1], NUMBERS)).astype(np.float32))
    rows = np.empty((number + QUERIES, NUMBERS), np.float32)
    for start in range(0, len(rows), BLOCK):
        block = rows[start : start + BLOCK]
        block[:] = projected[random.integers(len(projected), size=len(block))]
        block += random.normal(scale=NOISE / NUMBERS**0.5, size=block.shape).astype(np.float32)
        block /= np.linalg.norm(block, axis=1, keepdims=True)
    return rows[:number], rows[number:]


def exact(rows: np.ndarray, queries: np.ndarray, chosen: np.ndarray | None = None) -> Answers:
    """Return the rows of the ten nearest of each query; of some rows alone where these are given."""
    place = np.arange(len(rows)) if chosen is None else chosen
    scores = np.concatenate([queries @ rows[part].T for part in np.array_split(place, max(1, len(place) // BLOCK))], 1)
    best = np.argpartition(-scores, TOP, axis=1)[:, :TOP]
    return [set(place[row].tolist()) for row in best]


def timed(search: Callable[[np.ndarray], set[int]], queries: np.ndarray, truth: Answers) -> dict[str, float]:
    """Return p50 and p99 of a query in milliseconds, and recall."""
    search(queries[0])  # what is read once for all queries
    times, found = [], []
    for query in queries:
        began = time.perf_counter()
        found.append(search(query))
        times.append((time.perf_counter() - began) * 1000)
    p50, p99 = (round(float(np.quantile(times, q)), 2) for q in (0.5, 0.99))
    recall = float(np.mean([len(a & b) / TOP for a, b in zip(found, truth, strict=True)]))
    return {"p50_ms": p50, "p99_ms": p99, "recall@10": round(recall, 4)}


def resident() -> float:
    """Return what the process holds of its own, files that are mapped left out, in megabytes."""
    status = Path("/proc/self/status").read_text()
    return sum(int(status.split(f"{name}:")[1].split()[0]) for name in ("RssAnon", "VmSwap")) / 1024


def ours(kind: Any, rows: np.ndarray, queries: np.ndarray, truths: tuple[Answers, Answers]) -> dict[str, Any]:
    """Measure an index that keeps vectors in a way, with its approximate neighbours or signs."""
    with tempfile.TemporaryDirectory() as place, closing(open_to_write(Path(place))) as store:
        keep_vectors_as(store, kind)
        began, before = time.perf_counter(), resident()
        with store.transaction():
            store.keep("origin", Origin("bundle", "none", "0" * 64, None, "none", NUMBERS).to_json())
        store.add_columns(["shade"])
        for start in range(0, len(rows), 10_000):
            some = range(start, min(start + 10_000, len(rows)))
            with store.transaction():
                photos = ((at + 1, f"{at}.jpg", at.to_bytes(8, "big"), at % 100) for at in some)
                store.connection.executemany("INSERT INTO photos VALUES (?, ?, ?, NULL, NULL, NULL, ?)", photos)
                blobs = ((at + 1, encode(rows[at], kind)) for at in some)
                store.connection.executemany("INSERT INTO vectors VALUES (?, ?)", blobs)
        filled = time.perf_counter()
        neighbours.build(store)
        told: dict[str, Any] = {"fill_s": round(filled - began, 1), "link_s": round(time.perf_counter() - filled, 1)}
        store.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        told["megabytes"] = {file.name: round(file.stat().st_size / 1e6) for file in Path(place).iterdir()}
        for name, where, truth in (("all", None, truths[0]), ("filtered", f"shade = {FILTERED}", truths[1])):
            allowed = None
            if where:
                with closing(reader(Path(place))) as apart:
                    began = time.perf_counter()
                    allowed = matching(apart, where, store.columns)
                    told["condition_ms"] = round((time.perf_counter() - began) * 1000, 1)
            gallery = lookups._Gallery(store, Question(TOP, allowed=allowed), None)
            search = lambda query, gallery=gallery: {int(hit.path.partition(".")[0]) for hit in gallery.hits(query)}  # noqa: E731
            told[name] = timed(search, queries, truth)
        told["memory_mb"] = round(resident() - before)
    return told


def faiss(way: str, rows: np.ndarray, queries: np.ndarray, truths: tuple[Answers, Answers]) -> dict[str, Any]:
    """Measure faiss's flat index, or its graph."""
    import faiss as library

    library.omp_set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    before, began, graph = resident(), time.perf_counter(), way == "faiss graph"
    if graph:
        index = library.IndexHNSWFlat(NUMBERS, CONNECTIVITY, library.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction, index.hnsw.efSearch = WHILE_ADDING, WHILE_SEARCHING
    else:
        index = library.IndexFlatIP(NUMBERS)
    index.add(rows)
    told: dict[str, Any] = {"link_s": round(time.perf_counter() - began, 1), "memory_mb": round(resident() - before)}
    with tempfile.TemporaryDirectory() as place:
        library.write_index(index, str(Path(place) / "index"))
        told["megabytes"] = {"index": round((Path(place) / "index").stat().st_size / 1e6)}
    told["version"] = library.__version__
    chosen = library.IDSelectorBatch(np.arange(FILTERED, len(rows), 100))
    some = (
        library.SearchParametersHNSW(sel=chosen, efSearch=WHILE_SEARCHING)
        if graph
        else library.SearchParameters(sel=chosen)
    )
    for name, given, truth in (("all", None, truths[0]), ("filtered", some, truths[1])):
        search = lambda query, given=given: set(index.search(query[None], TOP, params=given)[1][0].tolist())  # noqa: E731
        told[name] = timed(search, queries, truth)
    return told


def measure(way: str, number: int) -> dict[str, Any]:
    """Measure one way in this process."""
    rows, queries = made(number)
    truths = exact(rows, queries), exact(rows, queries, np.arange(FILTERED, number, 100))
    return (ours if way in KINDS else faiss)(way, rows, queries, truths)


def main() -> None:
    """Measure what is not measured yet, each way in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--number", type=int, default=100_000)
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--one", action="store_true", help="in this process")
    given = parser.parse_args()
    for way in given.ways:
        if given.one:
            key = {"way": way, "number": given.number, "load": round(os.getloadavg()[0])}
            known = [row for row in Cells("vector_search").rows if row["key"] | {"load": 0} == key | {"load": 0}]
            if not known:
                Cells("vector_search").measure(key, lambda way=way: measure(way, given.number))
            continue
        words = [sys.executable, __file__, "--number", str(given.number), "--one", "--ways", way]
        subprocess.run(words, check=True)


if __name__ == "__main__":
    main()
