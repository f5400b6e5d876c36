"""The bundle under the target beside the same bundle here, which was compared with the trained model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from visionft.bundle import Answer, Bundle
from visionft.bundle.schema import TargetRecord
from visionft.errors import ParityError
from visionft.exporting.ood_parity import KNOWN_TOLERANCE
from visionft.exporting.parity import PROBABILITY_TOLERANCE
from visionft.exporting.parity_photos import Photo
from visionft.exporting.stage_parity import Answers
from visionft.exporting.target.openvino_ir import OpenVino
from visionft.exporting.target.target_runtime import Outputs, Runtime

SCORES = ("logits", "embedding", "known_score")


@dataclass(frozen=True)
class Allowed:
    """Differences that pass.

    Attributes:
        tolerance: of a probability.
        score_tolerance: of logits, embedding and known score, relative to the largest where above 1.
    """

    tolerance: float = PROBABILITY_TOLERANCE
    score_tolerance: float = KNOWN_TOLERANCE


def prove(
    runtime: Runtime | OpenVino, here: Answers, photos: Sequence[Photo], allowed: Allowed, adapter: Path | None = None
) -> TargetRecord:
    """Answer photos under the target and here.

    Args:
        runtime: the target.
        here: the bundle, asked by the onnxruntime of this process.
        photos: decoded; each is asked alone and with its mirror image.
        allowed: differences that pass.
        adapter: file of the adapter that answers, where `here` answers through one.

    Raises:
        ParityError: the target cannot run the model, or answers differently.
    """
    bundle = here.bundle
    batches = [batch for photo in photos for batch in _batches(photo.image)]
    found = runtime.answer(bundle.model, batches, adapter)
    worst, owners = 0.0, [photo for photo in photos for _ in range(2)]
    for photo, batch, outputs in zip(owners, batches, found, strict=True):
        for i, answer in enumerate(here.answer_batch(list(batch))):
            fault = next(_faults(answer, outputs, i, bundle, allowed), None)
            if fault is not None:
                raise ParityError(
                    f"{runtime.target} answers differently from the onnxruntime here: {fault} ({photo.path}); "
                    f"nothing was written: {runtime.target.mend}"
                )
            worst = max(worst, _off(answer.probabilities, outputs["probabilities"][i]))
    target = runtime.target
    return TargetRecord(runtime=str(target), n=len(photos), max_probability_difference=worst)


def _batches(image: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    yield image[None]
    yield np.stack([image, image[:, ::-1]])


def _faults(here: Answer, there: Outputs, i: int, bundle: Bundle, allowed: Allowed) -> Iterator[str]:
    """Yield what is further off than the tolerances say; labels of nearly equal probability may swap."""
    off = _off(here.probabilities, there["probabilities"][i])
    if not off <= allowed.tolerance:
        yield f"probabilities differ by {off:.2g} and {allowed.tolerance:.2g} may"
    for name in SCORES:
        mine = np.asarray(getattr(here, name))
        off, limit = _off(mine, there[name][i]), allowed.score_tolerance * max(1.0, float(np.abs(mine).max()))
        if not off <= limit:
            yield f"{name} differs by {off:.2g} and {limit:.2g} may"
    index = int(there["class_index"][i])
    gap = here.probability - float(here.probabilities[index])
    if index != here.class_index and gap >= 2 * allowed.tolerance:
        yield f"{here.label!r} became {bundle.classes[index]!r}"
    if "label" in there and str(there["label"][i]) != bundle.classes[index]:
        yield f"the label of class {index} is {str(there['label'][i])!r}, not {bundle.classes[index]!r}"
    score = float(there["known_score"][i])
    if bool(there["unknown"][i]) != (score < np.float32(bundle.threshold)):
        yield f"unknown is {bool(there['unknown'][i])} at a known score of {score:.4g}"


def _off(one: NDArray[np.generic], two: NDArray[np.generic]) -> float:
    """Return the largest difference, which is not-a-number where one of them is."""
    return float(np.abs(np.asarray(one, np.float64) - np.asarray(two, np.float64)).max())
