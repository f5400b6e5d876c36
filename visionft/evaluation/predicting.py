"""Answer photos through a run: the trained weights themselves, in fp32."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from visionft.backbones import Network
from visionft.bundle import Prediction, Predictions
from visionft.errors import PhotoError
from visionft.metrics import softmax
from visionft.photos import Quarantined, find, printable, read
from visionft.preprocess import Preprocess
from visionft.runs import Run


def predict_run(run: Run, places: Sequence[str | Path]) -> Predictions:
    """Answer photos, folders or globs; what cannot be read is listed with its reason, as everywhere.

    Raises:
        DataError: a place matches nothing.
    """
    paths, quarantine = find(places)
    network, preprocess, names = run.network(), run.preprocess, run.classes.names
    rows: list[Prediction] = []
    for path in paths:
        try:
            probabilities = _probabilities(network, preprocess, path)
        except PhotoError as error:
            quarantine.append(Quarantined(printable(path), error.reason))
            continue
        best = int(probabilities.argmax())
        score = float(probabilities[best])
        rows.append(Prediction(printable(path), names[best], best, score, probabilities, False, score))
    return Predictions(tuple(rows), tuple(quarantine), names)


@torch.inference_mode()
def _probabilities(network: Network, preprocess: Preprocess, path: Path) -> NDArray[np.float32]:
    x = torch.from_numpy(preprocess.tensor(read(path)))[None]
    probabilities: NDArray[np.float32] = softmax(network(x).numpy())[0].astype(np.float32)
    return probabilities
