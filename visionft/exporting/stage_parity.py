"""The two halves of the exported graph, each beside its reference: which one is to blame."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import numpy as np
import onnxruntime as ort
import torch
from numpy.typing import NDArray
from onnx import ModelProto

from visionft.bundle import Answer, Bundle
from visionft.bundle.names import IMAGE, LOGITS, PIXELS
from visionft.errors import ParityError
from visionft.exporting.onnx_model import halves
from visionft.exporting.parity_photos import Photo
from visionft.preprocess import Preprocess
from visionft.serving.onnx_session import open_model

BATCH_SIZES = (1, 8, 32)
LEVELS_ALLOWED = 2.0
"""Of 255. Photos agree to the bit; extremely long ones may be off by rounding, once in each pass."""
PROBABILITY_ALLOWED = 1e-3
"""The network half alone meets the tolerance of the whole."""


CHUNK = 32
"""Photos that go through the trained model at once."""
STAGE_PHOTOS = 32
"""Photos that also go through each half alone and, with their mirror images, through batches of up to 32."""

Progress = Callable[[str, int, int], None]
"""Called with what is done, how many photos are done and how many there are."""


def with_mirrored(images: Sequence[NDArray[np.uint8]]) -> list[NDArray[np.uint8]]:
    """Return each photo (H, W, 3) and its mirror image: two of one size, so that a batch answers every photo."""
    return [image for photo in images for image in (photo, np.ascontiguousarray(photo[:, ::-1]))]


def blamed(levels: float) -> str:
    """Say which half is to blame where pixels differ by so many levels."""
    half = "the preprocess half is at fault" if levels > LEVELS_ALLOWED else "the network half is at fault"
    return f"{half}: pixels differ by {levels:.3g} levels of 255 ({LEVELS_ALLOWED:.0f} may)"


class Answers(Protocol):
    """The bundle as its user asks it: a session, or a session through one of its adapters."""

    @property
    def bundle(self) -> Bundle:
        """What answers."""
        ...

    def answer(self, image: NDArray[np.uint8]) -> Answer:
        """Answer one photo, (H, W, 3) uint8 RGB."""
        ...

    def answer_batch(self, images: Sequence[NDArray[np.uint8]]) -> list[Answer]:
        """Answer photos of any sizes."""
        ...


class Stages:
    """Sessions over the halves.

    Attributes:
        preprocess: the reference of the preprocess half.
    """

    def __init__(self, model: ModelProto, preprocess: Preprocess, threads: int | None = None) -> None:
        front, back = halves(model)
        self.preprocess = preprocess
        self._front: ort.InferenceSession = open_model(front.SerializeToString(), threads)
        self._back: ort.InferenceSession = open_model(back.SerializeToString(), threads)

    def pixel_difference(self, images: Sequence[NDArray[np.uint8]]) -> float:
        """Return the preprocess half's largest distance from `Preprocess.tensor`, in levels, on photos (H, W, 3)."""
        scale = 255.0 * np.asarray(self.preprocess.std, dtype=np.float32)[:, None, None]
        worst = 0.0
        for image in images:
            (pixels,) = self._front.run([PIXELS], {IMAGE: image[None]})
            worst = max(worst, largest((pixels[0] - self.preprocess.tensor(image)) * scale))
        return round(worst, 3)

    def logits(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the network half's raw outputs (n, K) of normalised input (n, 3, S, S), in one batch."""
        (found,) = self._back.run([LOGITS], {PIXELS: pixels})
        return found  # type: ignore[no-any-return]  # onnxruntime has no types

    def batches(self, pixels: NDArray[np.float32]) -> Iterator[tuple[str, NDArray[np.float32]]]:
        """Yield the network half's raw outputs (n, K) of normalised input (n, 3, h, w), in batches of several sizes.

        Each with what is checked by it, in words.
        """
        for size in BATCH_SIZES:
            parts = [self.logits(pixels[start : start + size]) for start in range(0, len(pixels), size)]
            yield f"network half in batches of {size}", np.concatenate(parts)

    def network_differences(self, pixels: NDArray[np.float32], probabilities: NDArray[np.float32]) -> dict[str, float]:
        """Return the network half's largest probability difference, by check, on the reference's own pixels.

        Args:
            pixels: (n, 3, h, w) normalised input.
            probabilities: (n, C), the trained model's.
        """
        return {check: float(np.abs(softmax(logits) - probabilities).max()) for check, logits in self.batches(pixels)}

    def blame(self, images: Sequence[NDArray[np.uint8]], network: torch.nn.Module) -> str:
        """Say in words which half differs on these photos, each (H, W, 3) uint8 RGB, with figures."""
        if not images:
            return "the halves differ by rounding alone, so the network sits between labels: train it longer"
        levels = self.pixel_difference(images)
        pixels = np.stack([self.preprocess.tensor(image) for image in images])
        with torch.inference_mode():
            probabilities = torch.softmax(network(torch.from_numpy(pixels)), dim=1).numpy()
        difference = max(self.network_differences(pixels, probabilities).values())
        front = f"the preprocess half differs by {levels:.3g} levels of 255 ({LEVELS_ALLOWED:.0f} may)"
        back = f"the network half by {difference:.2g} in probability ({PROBABILITY_ALLOWED} may)"
        fault = _at_fault(levels, difference)
        return f"{fault}: {front}, {back}"


def softmax(logits: NDArray[np.float32], temperature: float = 1.0) -> NDArray[np.float32]:
    """Return the probabilities (n, C) of logits (n, C), divided by a temperature."""
    found: NDArray[np.float32] = torch.softmax(torch.from_numpy(logits) / temperature, dim=1).numpy()
    return found


def _at_fault(levels: float, difference: float) -> str:
    front, back = not levels <= LEVELS_ALLOWED, not difference < PROBABILITY_ALLOWED
    if front and back:
        return "both halves are at fault"
    if front:
        return "the preprocess half is at fault"
    if back:
        return "the network half is at fault"
    return "neither half is at fault alone, the network magnifies rounding"


def largest(differences: NDArray[np.floating]) -> float:
    """Return the largest of differences, whatever its sign; not-a-number counts as infinite."""
    found = float(np.abs(differences).max())
    return math.inf if math.isnan(found) else found


def answered(session: Answers, photo: Photo) -> Answer:
    """Answer a photo; ParityError where the exported model fails on it."""
    try:
        return session.answer(photo.image)
    except Exception as error:  # onnxruntime has no common type for what a graph cannot do
        reason = str(error).strip().splitlines()[0]
        raise ParityError(
            f"the exported model fails on {photo.path}, which the trained one answers ({reason}); "
            "this backbone cannot be exported as it is: choose another --backbone or --method"
        ) from error


def chunks(photos: Iterator[Photo]) -> Iterator[list[Photo]]:
    """Yield lists of `CHUNK` photos, and the rest."""
    chunk: list[Photo] = []
    for photo in photos:
        chunk.append(photo)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def differs(found: str) -> ParityError:
    """Return the error that says what differs."""
    return ParityError(f"the exported model does not answer like the trained one: {found}; nothing was written")
