"""A bundle in two halves: photos become pixels one by one, pixels become answers in batches."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from visionft.bundle import Answer, Bundle
from visionft.bundle import names as n
from visionft.errors import BundleError
from visionft.serving.execution_providers import available, confirm
from visionft.serving.lora_adapters import load_adapters
from visionft.serving.onnx_session import check_metadata, open_model
from visionft.serving.split_graph import halves

LARGE_PIXELS = 8_000_000
"""Photos above it are turned into pixels one at a time: the graph holds them as float32, 24 bytes a pixel."""

Image = NDArray[np.uint8]
Pixels = NDArray[np.float32]


class Front:
    """The first half of a bundle's model: one photo becomes the network's input."""

    def __init__(self, model: bytes) -> None:
        """Open the half; BundleError if onnxruntime cannot."""
        # Photos come in any size: a kept arena would grow to the largest that ever came, once in each thread.
        self._session = open_model(model, threads=1, arena=False)

    def pixels(self, image: Image) -> Pixels:
        """Return a photo, (H, W, 3) uint8 RGB, as the network's input, (3, h, w) float32; safe in any thread."""
        (pixels,) = self._session.run([n.PIXELS], {n.IMAGE: image[None]})
        return pixels[0]  # type: ignore[no-any-return]  # onnxruntime has no types


class Engine:
    """Both halves of a bundle's model; `pixels` is safe to call from any number of threads.

    Attributes:
        bundle: the bundle.
        front: the first half of its graph, as the bytes of an ONNX file.
        provider: short name of what the network runs on.
        mixes: whether the answer to a photo depends on those beside it in a batch; see `Halves`.
    """

    def __init__(
        self,
        bundle: Bundle,
        provider: str = "cpu",
        threads: int | None = None,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Open both halves and answer one black photo, so that the first real one is as quick as the next.

        Args:
            bundle: the bundle.
            provider: one of `visionft.serving.execution_providers.PROVIDERS`.
            threads: threads of the network; all cores if None.
            say: told where the provider cannot be used and another takes its place.

        Raises:
            BundleError: the model cannot be opened, or does not fall into halves, or an adapter does not fit it.
        """
        self.bundle, self._answers = bundle, bundle.answers
        self.front, back, self.mixes = halves(bundle.model)
        self._front = Front(self.front)
        self._back = open_model(back, threads, available(provider, say))
        check_metadata(bundle, self._back)
        self.provider = confirm(provider, self._back, say)
        self._large = threading.Lock()
        self._running = ort.RunOptions()
        self._adapters = load_adapters(bundle, self._back)
        height, width = bundle.preprocess.size
        first = next(iter(self._adapters), None)
        self._check_classes(self.answer([self.pixels(np.zeros((height, width, 3), np.uint8))], first)[0], first)

    def pixels(self, image: Image) -> Pixels:
        """Return a photo, (H, W, 3) uint8 RGB, as the network's input, (3, h, w) float32."""
        large = image.shape[0] * image.shape[1] > LARGE_PIXELS
        with self._large if large else contextlib.nullcontext():
            return self._front.pixels(image)

    def answer(self, pixels: Sequence[Pixels], adapter: str | None = None) -> list[Answer]:
        """Answer a batch of inputs, each (3, h, w) float32, in one run of the network, through one adapter if any."""
        feed = {n.PIXELS: np.stack(pixels)}
        if adapter is None:
            return list(self._answers.split(self._back.run(self._answers.outputs, feed, self._running)))
        return list(self._answers.split(self._adapters[adapter].run(self._back, feed)))

    def stop(self) -> None:
        """Let a run of the network that is at work end early, with an error; so does every later one."""
        for options in (self._running, *(loaded.options for loaded in self._adapters.values())):
            options.terminate = True

    def _check_classes(self, answer: Answer, adapter: str | None) -> None:
        names = self.bundle.chosen(adapter).classes.names
        if not self._answers.fits(answer, names):
            raise BundleError(
                f"{self.bundle.model} answers other classes than bundle.json names: "
                "copy the bundle again or export it again"
            )
