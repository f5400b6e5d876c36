"""Answer photos through a run: the trained weights themselves, in fp32."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from visionft.backbones import Network
from visionft.bundle import Answer, Prediction, Predictions
from visionft.errors import PhotoError
from visionft.metrics import Answering, unit
from visionft.photos import Quarantined, find, printable, read
from visionft.preprocess import Preprocess
from visionft.runs import Run


def predict_run(run: Run, places: Sequence[str | Path]) -> Predictions:
    """Answer photos, folders or globs; what cannot be read is listed with its reason, as everywhere.

    Raises:
        DataError: a place matches nothing.
    """
    paths, quarantine = find(places)
    network, preprocess, names, answering = run.network(), run.preprocess, run.classes.names, run.answering()
    rows: list[Prediction] = []
    for path in paths:
        try:
            answer = _answer(network, preprocess, answering, names, read(path))
        except PhotoError as error:
            quarantine.append(Quarantined(printable(path), error.reason))
            continue
        rows.append(Prediction.of(printable(path), answer))
    return Predictions(tuple(rows), tuple(quarantine), names)


@torch.inference_mode()
def _answer(
    network: Network, preprocess: Preprocess, answering: Answering, names: Sequence[str], image: NDArray[np.uint8]
) -> Answer:
    features = network.embed(torch.from_numpy(preprocess.tensor(image))[None])
    logits, embedding = network.head(features).numpy(), unit(features.numpy())
    probabilities, scores = answering.probabilities(logits)[0], answering.known(logits, embedding)
    best = int(logits[0].argmax())
    return Answer(
        names[best],
        best,
        float(probabilities[best]),
        probabilities,
        logits[0],
        embedding[0],
        float(scores[0]),
        bool(answering.unknown(scores)[0]),
    )
