"""An onnxruntime session over a bundle."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from visionft.bundle import Answer, Bundle
from visionft.bundle import names as n
from visionft.errors import UsageError
from visionft.serving.engine import Engine
from visionft.serving.lora_adapters import LoadedAdapter, load_adapters
from visionft.serving.onnx_session import check_metadata, open_model

BATCH_PIXELS = 4_000_000
"""Source pixels in one run: the graph holds them as float32, 12 bytes a pixel, up to twice over."""
BATCH_PHOTOS = 32
"""More photos in one run bring no further speed on a processor."""


class Session:
    """Answers photos of any size with the model of a bundle; safe to share between threads."""

    def __init__(self, bundle: Bundle | str | Path, threads: int | None = None) -> None:
        """Open the model.

        Args:
            bundle: the bundle or its folder.
            threads: threads of the arithmetic; all cores if None.

        Raises:
            BundleError: the bundle is missing, damaged or of another version, or an adapter does not fit its base.
        """
        self.bundle = bundle if isinstance(bundle, Bundle) else Bundle.open(bundle)
        self._threads = threads
        self._session = open_model(self.bundle.model, threads)
        check_metadata(self.bundle, self._session)
        self._adapters = load_adapters(self.bundle, self._session)

    @cached_property
    def engine(self) -> Engine:
        """The model in two halves, opened once: photos of any sizes go through the network together."""
        return Engine(self.bundle, threads=self._threads)

    def answer(self, image: NDArray[np.uint8], adapter: str | None = None) -> Answer:
        """Answer one photo, (H, W, 3) uint8 RGB, through an adapter where the bundle has some."""
        return self.answer_batch([image], adapter)[0]

    def answer_batch(self, images: Sequence[NDArray[np.uint8]], adapter: str | None = None) -> list[Answer]:
        """Answer photos of any sizes in the order given; those of one size run together.

        Args:
            images: each (H, W, 3) uint8 RGB.
            adapter: the one that answers, of the bundle's `adapters`; None where it has none.

        Raises:
            UsageError: an image is none, the adapter is unknown, or none is named where each answer needs one.
        """
        loaded = self._loaded(adapter)
        for image in images:
            _check_image(image)
        table, answers = self.bundle.answers, dict[int, Answer]()
        for indices in _same_size(images):
            feed = {n.IMAGE: np.stack([images[i] for i in indices])}
            outputs = self._session.run(table.outputs, feed) if loaded is None else loaded.run(self._session, feed)
            answers.update(zip(indices, table.split(outputs), strict=True))
        return [answers[i] for i in range(len(images))]

    def _loaded(self, adapter: str | None) -> LoadedAdapter | None:
        if adapter is None or adapter not in self._adapters:
            self.bundle.chosen(adapter)  # says which there are
            return None
        return self._adapters[adapter]


def _check_image(image: NDArray[np.uint8]) -> None:
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or 0 in image.shape:
        raise UsageError(
            f"a photo is (H, W, 3) uint8 RGB, not {image.shape} {image.dtype}: decode it with visionft.photos"
        )


def _same_size(images: Sequence[NDArray[np.uint8]]) -> Iterator[list[int]]:
    groups: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for i, image in enumerate(images):
        groups[image.shape].append(i)
    for (height, width, _), indices in groups.items():
        step = min(BATCH_PHOTOS, max(1, BATCH_PIXELS // (height * width)))
        yield from (indices[start : start + step] for start in range(0, len(indices), step))
