"""Answer photos through a run: the trained weights themselves, in fp32."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import NDArray

from visionft.backbones import Forward, forward_context
from visionft.bundle import Answer, Predictions
from visionft.bundle.answers import answers_of
from visionft.machine.arithmetic import full_precision
from visionft.machine.memory import ON_PROCESSOR, memory_shortage_said
from visionft.metrics import unit
from visionft.photos import Asked
from visionft.runs import Run
from visionft.runs.learning import learning_of
from visionft.serving.answerer import Answerer
from visionft.serving.predict_bundle import listed
from visionft.serving.streaming import Progress


def predict_run(run: Run, asked: Asked | Iterable[Asked], on_progress: Progress | None = None) -> Predictions:
    """Answer photos, folders, globs and photos held in memory; see `visionft.serving.predict_bundle`.

    Raises:
        DataError: one place alone is given, and holds no photo.
    """
    items, total = listed(asked)
    with run_answerer(run) as answerer:
        return answerer.predictions(items, on_progress, total)


@contextmanager
def run_answerer(run: Run) -> Iterator[Answerer]:
    """Open a run to answer photos with, as a bundle is opened by `visionft.serving.predict_bundle.answerer_of`."""
    network, preprocess, device = run.network(), run.preprocess, run.device
    with (
        memory_shortage_said("the prediction", ON_PROCESSOR),
        full_precision(),
        forward_context(network.to(device), preprocess, device=device) as forward,
    ):
        yield Answerer(preprocess.pixels, _answering(forward, run), answers_of(run.task), run.classes.names)


def _answering(forward: Forward, run: Run) -> Callable[[Sequence[NDArray[np.uint8]]], list[Answer]]:
    """Return what answers a batch, each photo (H, W, 3) uint8 of the input's size."""
    learning, answering, names = learning_of(run.task), run.answering(), run.classes.names

    def answer(batch: Sequence[NDArray[np.uint8]]) -> list[Answer]:
        found = forward(torch.from_numpy(np.stack(batch)))
        return learning.answers(found["logits"], unit(found["embedding"]), answering, names)

    return answer
