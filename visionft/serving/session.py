"""An onnxruntime session over a bundle."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from visionft.bundle import Answer, Bundle
from visionft.bundle import names as n
from visionft.errors import BundleError, UsageError
from visionft.serving.lora_adapters import LoadedAdapter, load_adapters

if TYPE_CHECKING:
    from visionft.serving.engine import Engine

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
        from visionft.serving.engine import Engine  # which opens its halves by what stands here

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
        answers: dict[int, Answer] = {}
        for indices in _same_size(images):
            feed = {n.IMAGE: np.stack([images[i] for i in indices])}
            outputs = self._session.run(n.OUTPUTS, feed) if loaded is None else loaded.run(self._session, feed)
            answers.update(zip(indices, split(outputs), strict=True))
        return [answers[i] for i in range(len(images))]

    def _loaded(self, adapter: str | None) -> LoadedAdapter | None:
        if adapter is None or adapter not in self._adapters:
            self.bundle.chosen(adapter)  # says which there are
            return None
        return self._adapters[adapter]


def open_model(
    source: Path | bytes,
    threads: int | None = None,
    providers: Sequence[str] = ("CPUExecutionProvider",),
    *,
    arena: bool = True,
) -> ort.InferenceSession:
    """Open an ONNX file (or its bytes); BundleError if onnxruntime cannot.

    Args:
        source: the file or its bytes.
        threads: threads of the arithmetic; all cores if None.
        providers: onnxruntime's names of what it runs on; each takes what those before it cannot.
        arena: whether memory is kept for the next run; without it, it goes back to the system.
    """
    options = ort.SessionOptions()
    options.log_severity_level = 4  # warnings about the graph are of no use to who serves it, and faults are raised
    options.enable_mem_pattern = False  # patterns are kept for every shape seen, and photos come in any shape
    options.enable_cpu_mem_arena = arena
    # Waiting threads that spin take the cores from decoding: on a busy machine photos took twice as long.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.load_model_format", "ONNX")
    if threads is not None:
        options.intra_op_num_threads = threads
    try:
        return ort.InferenceSession(
            source if isinstance(source, bytes) else str(source), options, providers=list(providers)
        )
    except Exception as error:  # onnxruntime raises a dozen types without a common ancestor
        reason = str(error).splitlines()[0]
        raise BundleError(
            f"onnxruntime {ort.__version__} cannot open the model ({reason}): update it, or export the run again"
        ) from error


def check_metadata(bundle: Bundle, session: ort.InferenceSession) -> None:
    """Raise BundleError where the model was exported with other classes than the record names."""
    found = session.get_modelmeta().custom_metadata_map.get(n.META_CLASSES_HASH)
    if found != bundle.record.classes_hash:
        raise BundleError(
            f"{bundle.model} was exported with other classes than bundle.json names: "
            "copy the bundle again or export it again"
        )


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


def split(outputs: Sequence[Any]) -> Iterator[Answer]:
    """Return one answer a photo from the graph's outputs, which come in the order of the table."""
    for label, index, probability, probabilities, logits, embedding, score, unknown in zip(*outputs, strict=True):
        yield Answer(
            str(label), int(index), float(probability), probabilities, logits, embedding, float(score), bool(unknown)
        )
