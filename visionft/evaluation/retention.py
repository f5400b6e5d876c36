"""What fine-tuning forgets: k-NN accuracy of the features on photos of an earlier task, before and after."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visionft import data
from visionft.backbones import Forward, forward_context
from visionft.data import EvalPhotos, Manifest, eval_batches
from visionft.errors import DataError
from visionft.machine.arithmetic import full_precision
from visionft.machine.memory import ON_PROCESSOR, memory_shortage_said
from visionft.metrics import KnnAccuracy, bootstrap_difference, knn_accuracy, wilson
from visionft.runs import Run, layout
from visionft.runs.atomic_write import make_folder, write_json
from visionft.runs.run_files import read_json
from visionft.settings import DataSettings, HeadMethod

K = 20  # as in DINO (arXiv 2104.14294)
BATCH = 64
_SIDES = (
    "validation",
    "test",
    "splits",
    "layout",
    "inside",
)  # how the new photos are split says nothing about the earlier ones


@dataclass(frozen=True)
class Earlier:
    """Photos of an earlier task: its train split is the gallery, its test split is asked.

    Attributes:
        name: of the folder or manifest.
        manifest: read, checked and split.
    """

    name: str
    manifest: Manifest

    @classmethod
    def read(cls, photos: str | Path, reading: DataSettings) -> Earlier:
        """Read and check the photos, all of them, so that nothing is found wrong once hours of training are over.

        Args:
            photos: a folder of class folders or a manifest.
            reading: how the new photos are read; what says how they are split is left out.

        Raises:
            DataError: there are no such photos, only one class, or no test split.
        """
        plain = DataSettings.model_validate(reading.model_dump(exclude=set(_SIDES)))
        if plain.group_by == "column":  # a folder has none, and a manifest's is read unasked
            plain = plain.model_copy(update={"group_by": "auto"})
        try:
            manifest = data.prepare(Path(photos), plain)
        except DataError as error:
            raise DataError(f"--retention: {error}") from error
        if not len(manifest.rows("test")):
            raise DataError(
                f"--retention: {photos} has no test photos to ask the others about; "
                "give photos with a test split, or without splits"
            )
        return cls(Path(photos).absolute().stem, manifest)

    def measured_in(self, run: Run) -> bool:
        """Tell whether the run's folder has its retention on these very photos."""
        path = run.path / layout.RETENTION / "metrics.json"
        return path.is_file() and read_json(path).get("fingerprint") == self.manifest.fingerprint

    def __str__(self) -> str:
        gallery, queries = (len(self.manifest.rows(split)) for split in ("train", "test"))
        unusable = len(self.manifest.quarantine)
        aside = f"; {unusable:,} more in quarantine" if unusable else ""
        return f"retention on {self.name}: {queries:,} photos are looked up among {gallery:,} by the features{aside}"


@dataclass(frozen=True)
class Retention:
    """How well the features tell the classes of an earlier task apart, before and after.

    Attributes:
        photos: name of the earlier photos.
        fingerprint: SHA-256 of their manifest.
        gallery: photos that vote.
        queries: photos that are asked.
        k: neighbours that vote.
        before: k-NN accuracy of the network before its first step of training, in [0, 1].
        after: that of the final weights.
        intervals: 95 % intervals of `before` and `after` (Wilson), and of `forgotten` (paired bootstrap over queries).
        trained: false where the backbone stayed as it was, and nothing can be forgotten.
    """

    photos: str
    fingerprint: str
    gallery: int
    queries: int
    k: int
    before: float
    after: float
    intervals: dict[str, tuple[float, float] | None]
    trained: bool

    @property
    def forgotten(self) -> float:
        """`before - after`: negative where the features became better."""
        return self.before - self.after

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {**asdict(self), "forgotten": self.forgotten}

    def write(self, folder: Path) -> Path:
        """Write metrics.json into a folder."""
        make_folder(folder)
        write_json(folder / "metrics.json", self.to_json())
        return folder

    def __str__(self) -> str:
        if not self.trained:
            return (
                f"retention on {self.photos}: k-NN {self.before:.1%} before and after: "
                "the backbone was not trained, so nothing is forgotten"
            )
        low, high = (100 * end for end in self.intervals["forgotten"] or (self.forgotten, self.forgotten))
        points, word = 100 * abs(self.forgotten), "forgotten" if self.forgotten >= 0 else "gained"
        ends = f"{low:.1f} to {high:.1f}" if self.forgotten >= 0 else f"{-high:.1f} to {-low:.1f}"
        return (
            f"retention on {self.photos}: k-NN {self.before:.1%} before, {self.after:.1%} after: "
            f"{points:.1f} points {word} (95 % interval {ends})"
        )


@memory_shortage_said("the measure of retention", ON_PROCESSOR)
@full_precision()
def measure_retention(run: Run, earlier: Earlier) -> Retention:
    """Compare the features before the first step with the final ones, in fp32, under the run's own transform.

    Each photo is decoded once for both. Where the backbone was not trained there is one network to ask.

    Raises:
        RunError: the run did not keep its start.
    """
    trained = bool(run.settings.epochs) and not isinstance(run.settings.method, HeadMethod)
    networks = [run.start(), run.network()] if trained else [run.network()]
    device = run.device
    with ExitStack() as passes:
        forwards = [
            passes.enter_context(forward_context(network.to(device), run.preprocess, device=device, want=("features",)))
            for network in networks
        ]
        gallery, labels = _features(run, forwards, earlier.manifest, "train")
        queries, truth = _features(run, forwards, earlier.manifest, "test")
    found = [knn_accuracy(g, labels, q, truth, K) for g, q in zip(gallery, queries, strict=True)]
    return _retention(earlier, found[0], found[-1], len(labels), trained)


def _features(
    run: Run, forwards: Sequence[Forward], manifest: Manifest, split: str
) -> tuple[list[NDArray[np.float32]], NDArray[np.int64]]:
    """Return (N, D) embeddings by each network, and (N,) labels."""
    rows = manifest.rows(split)
    workers = int(run.settings.hardware.workers) if len(rows) > BATCH else 0
    parts: list[list[NDArray[np.float32]]] = [[] for _ in forwards]
    for pixels, _, _ in eval_batches(EvalPhotos(rows, manifest.root, run.preprocess), BATCH, workers):
        for forward, part in zip(forwards, parts, strict=True):
            part.append(forward(pixels)["features"])
    return [np.concatenate(part) for part in parts], rows.labels


def _retention(earlier: Earlier, before: KnnAccuracy, after: KnnAccuracy, gallery: int, trained: bool) -> Retention:
    n = len(before.hits)
    return Retention(
        photos=earlier.name,
        fingerprint=earlier.manifest.fingerprint,
        gallery=gallery,
        queries=n,
        k=min(K, gallery),
        before=before.accuracy,
        after=after.accuracy,
        intervals={
            "before": wilson(int(before.hits.sum()), n),
            "after": wilson(int(after.hits.sum()), n),
            "forgotten": bootstrap_difference(before.hits, after.hits),
        },
        trained=trained,
    )
