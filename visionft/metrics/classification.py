"""From logits and labels to figures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from visionft.metrics.calibration_error import expected_calibration_error, log_loss
from visionft.metrics.confidence_intervals import bootstrap_ece, bootstrap_macro_f1, f1_by_class, wilson
from visionft.metrics.results import ClassRow, Confused, Interval, Metrics, Reliability

TOP = 5
_PAIRS = 20  # pairs of confused classes that are named


def softmax(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return (N, C) probabilities of (N, C) logits."""
    shifted = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
    probabilities: NDArray[np.float64] = shifted / shifted.sum(axis=1, keepdims=True)
    return probabilities


def evaluate_logits(
    logits: NDArray[np.floating],
    labels: NDArray[np.integer],
    classes: Sequence[str],
    *,
    temperature: float = 1.0,
    seed: int = 0,
) -> Metrics:
    """Return all figures of a set of photos.

    Classes without a photo in the set have support 0 and no precision, recall or F1; macro-F1 and balanced accuracy are
    means over the classes that have photos. Answers for classes without photos still count as wrong.

    Args:
        logits: (N, C) raw scores, finite, N at least 1.
        labels: (N,) class indices in [0, C).
        classes: (C,) names.
        temperature: what logits are divided by before the softmax; log-loss and calibration error without it are
            returned beside those with it.
        seed: of the bootstrap.

    Raises:
        ValueError: the shapes do not fit, there is no photo, a label is outside the classes or a logit is not finite.
    """
    _check(logits, labels, classes)
    confusion = _counted(labels, logits.argmax(axis=1), len(classes))
    rows = _rows(confusion, classes)
    seen = [row for row in rows if row.support]
    hits, in_top = int(np.trace(confusion)), _hits_in_top(logits, labels)
    calibrated = reliability(logits / temperature, labels, seed=seed)
    macro_f1 = float(np.mean([row.f1 for row in seen if row.f1 is not None]))
    intervals: dict[str, Interval | None] = {
        "top1": wilson(hits, len(labels)),
        "top5": wilson(in_top, len(labels)),
        "macro_f1": bootstrap_macro_f1(confusion, seed=seed),
        "ece": calibrated.interval,
    }
    return Metrics(
        n=len(labels),
        top1=hits / len(labels),
        top5=in_top / len(labels),
        macro_f1=macro_f1,
        balanced_accuracy=float(np.mean([row.recall for row in seen if row.recall is not None])),
        log_loss=calibrated.log_loss,
        ece=calibrated.ece,
        intervals=intervals,
        per_class=rows,
        confusion=confusion,
        most_confused=_confused(confusion, classes),
        temperature=temperature,
        uncalibrated=None if temperature == 1 else reliability(logits, labels, seed=seed),
    )


def reliability(logits: NDArray[np.floating], labels: NDArray[np.integer], *, seed: int = 0) -> Reliability:
    """Return log-loss and calibration error of logits (N, C) as they are, for labels (N,)."""
    probabilities = softmax(logits)
    return Reliability(
        log_loss(logits, labels),
        expected_calibration_error(probabilities, labels),
        bootstrap_ece(probabilities, labels, seed=seed),
    )


def _check(logits: NDArray[np.floating], labels: NDArray[np.integer], classes: Sequence[str]) -> None:
    if logits.shape != (len(labels), len(classes)):
        raise ValueError(
            f"logits have the shape {logits.shape}; give ({len(labels)}, {len(classes)}): labels by classes"
        )
    if not len(labels):
        raise ValueError("there is no photo to evaluate; give at least one")
    if labels.min() < 0 or labels.max() >= len(classes):
        raise ValueError(
            f"labels reach from {labels.min()} to {labels.max()}; give indices of the {len(classes)} classes"
        )
    if not np.isfinite(logits).all():
        raise ValueError("some logits are not finite; the model has diverged")


def _counted(labels: NDArray[np.integer], answers: NDArray[np.intp], classes: int) -> NDArray[np.int64]:
    """Return (C, C) counts, true class by answered class."""
    cells = np.bincount(labels.astype(np.int64) * classes + answers, minlength=classes**2)
    return cells.reshape(classes, classes)


def _hits_in_top(logits: NDArray[np.floating], labels: NDArray[np.integer]) -> int:
    """Count photos with the true class among the five highest logits, of ties the lowest indices first."""
    own = logits[np.arange(len(labels)), labels][:, None]
    ties_before = (logits == own) & (np.arange(logits.shape[1]) < labels[:, None])
    return int(((logits > own).sum(axis=1) + ties_before.sum(axis=1) < TOP).sum())


def _rows(confusion: NDArray[np.int64], classes: Sequence[str]) -> tuple[ClassRow, ...]:
    hits, support, answered = np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    f1 = f1_by_class(hits, support, answered)
    return tuple(
        ClassRow(name, *_ratios(int(h), int(s), int(a)), None if s == 0 else float(f), int(s), wilson(int(h), int(s)))
        for name, h, s, a, f in zip(classes, hits, support, answered, f1, strict=True)
    )


def _ratios(hits: int, support: int, answered: int) -> tuple[float | None, float | None]:
    """Return precision and recall; None for both without photos, and precision 0 where the class is never answered."""
    return (None, None) if support == 0 else (hits / answered if answered else 0.0, hits / support)


def _confused(confusion: NDArray[np.int64], classes: Sequence[str]) -> tuple[Confused, ...]:
    wrong = confusion.copy()
    np.fill_diagonal(wrong, 0)
    true, answered = np.nonzero(wrong)
    order = np.argsort(-wrong[true, answered], kind="stable")[:_PAIRS]
    return tuple(Confused(classes[true[i]], classes[answered[i]], int(wrong[true[i], answered[i]])) for i in order)
