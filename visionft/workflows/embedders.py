"""What makes embeddings for an index: a bundle, through onnxruntime and without torch, or a run, by its weights."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from visionft.bundle import Bundle
from visionft.errors import DataError
from visionft.searching.origin import Embedder, Origin, Vectors
from visionft.workflows.run_or_bundle import holds_bundle, refuse_adapter, run_at

if TYPE_CHECKING:
    from visionft.photos import Asked
    from visionft.runs import Run
    from visionft.searching.live_index import LiveIndex

Say = Callable[[str], None]


@contextmanager
def embedder_of(path: Path, adapter: str | None = None) -> Iterator[Embedder]:
    """Open what makes the embeddings of a run or a bundle.

    Raises:
        RunError, BundleError: there is none, or it is damaged.
        UsageError: there is no such adapter, or none is named and each answer needs one.
    """
    if holds_bundle(path):
        yield _of_bundle(path, adapter)
        return
    refuse_adapter(path, adapter)
    with _of_run(run_at(path)) as embedder:
        yield embedder


def _of_bundle(path: Path, adapter: str | None) -> Embedder:
    from visionft.serving.predict_bundle import answering, engine_of

    bundle = Bundle.open(path)
    origin = bundle_origin(bundle, path, adapter)  # refuses an adapter before the model is opened
    engine = engine_of(bundle, None)
    answer = answering(engine, adapter)

    def embed(inputs: Sequence[Any]) -> list[Vectors]:
        return [found.embedding for found in answer(inputs)]

    return Embedder(origin, engine.pixels, embed)


def bundle_origin(bundle: Bundle, path: Path, adapter: str | None) -> Origin:
    """Return what tells the embeddings of a bundle from those of others.

    Raises:
        UsageError: there is no such adapter, or none is named and each answer needs one.
    """
    record = bundle.chosen(adapter).record
    numbers = next(int(tensor.shape[1]) for tensor in record.tensors if tensor.name == "embedding")
    return Origin("bundle", str(path.absolute()), bundle.model_sha256(adapter), adapter, record.backbone, numbers)


def live_index(folder: Path, bundle_path: Path, photos: Path | None, max_pixels: int) -> LiveIndex:
    """Open an index for a server of a bundle.

    Args:
        folder: of the index.
        bundle_path: of the bundle.
        photos: the folder that the photos lie in now; None: where they were indexed.
        max_pixels: of a photo that is shown.

    Raises:
        BundleError: there is no bundle, or it is damaged.
        SearchIndexError: there is no index, it is damaged, or was made with another model.
        UsageError: the folder of photos is not there.
    """
    from visionft.searching.live_index import LiveIndex

    bundle, found = Bundle.open(bundle_path), LiveIndex(folder, photos, max_pixels=max_pixels)
    asked = found.adapter if found.adapter in bundle.adapters else None if not bundle.adapters else bundle.adapters[0]
    found.origin.require(bundle_origin(bundle, bundle_path, asked), folder)
    return found


@contextmanager
def _of_run(run: Run) -> Iterator[Embedder]:
    import numpy as np
    import torch

    from visionft.backbones import forward_context
    from visionft.machine.arithmetic import full_precision

    network, preprocess, device = run.network(), run.preprocess, run.device
    origin = Origin(
        "run", str(run.path.absolute()), run.model_sha256, None, run.settings.backbone, network.embedding_size
    )
    with (
        full_precision(),
        forward_context(network.to(device), preprocess, device=device, want=("embedding",)) as forward,
    ):

        def embed(inputs: Sequence[Any]) -> list[Vectors]:
            return list(forward(torch.from_numpy(np.stack(inputs)))["embedding"])

        yield Embedder(origin, preprocess.pixels, embed)


def features_of(path: Path, photos: Asked | Iterable[Asked], say: Say) -> tuple[Vectors, list[str]]:
    """Return embeddings (k, D), of any length, of the photos that can be read, with their names, and say which cannot.

    Raises:
        DataError: none can.
    """
    import numpy as np

    from visionft.serving.predict_bundle import listed
    from visionft.serving.streaming import answered

    found = []
    with embedder_of(path) as embedder:
        for outcome in answered(listed(photos)[0], embedder.prepare, embedder.embed):
            if outcome.answer is None or not np.isfinite(outcome.answer).all():
                say(f"note: {outcome.name} is left out: {outcome.problem or 'its features are not finite'}")
            else:
                found.append((outcome.place, outcome.name, outcome.answer))
    if not found:
        raise DataError(
            "none of the photos can be read; give JPEG, PNG, WebP, AVIF, HEIC, JPEG 2000, GIF, TIFF or BMP files"
        )
    found.sort(key=lambda row: row[0])
    return np.stack([features for _, _, features in found]), [name for _, name, _ in found]
