"""Which files of a run or a bundle are pushed, and why the others are not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from visionft.bundle import names as n
from visionft.runs import layout

Pictures = Literal["none", "all"]
"""Whether photos, and pages that show them, go along."""

_RUN = (
    layout.RECORDS
    | layout.CALIBRATED
    | {layout.METRICS, layout.START, layout.WEIGHTS, layout.RESULT, layout.HELD_OUT, n.CARD_FILE}
)
"""What answering, measuring, exporting and going on need of a run."""
_TRAINING = frozenset({layout.CHECKPOINT, layout.BEST, layout.LOCK})
PHOTOS = "photos, or a page that shows them; --pictures all sends them"
ROWS = "answers photo by photo"
STATE = "needed only to go on with the same training"


@dataclass(frozen=True)
class Chosen:
    """Which files go.

    Attributes:
        sent: their names.
        kept: the others by the reason why they stay.
    """

    sent: tuple[str, ...]
    kept: dict[str, tuple[str, ...]]


def choose(kind: str, names: Iterable[str], pictures: Pictures) -> Chosen:
    """Choose among the files of a folder.

    Args:
        kind: `run` or `bundle`.
        names: of its digests.json.
        pictures: whether photos go along.
    """
    reason_of = _of_bundle if kind == "bundle" else _of_run
    sent, kept = list[str](), dict[str, tuple[str, ...]]()
    for name in sorted(names):
        reason = reason_of(name)
        if reason is None or (reason == PHOTOS and pictures == "all"):
            sent.append(name)
        else:
            kept[reason] = (*kept.get(reason, ()), name)
    return Chosen(tuple(sent), kept)


def _of_bundle(name: str) -> str | None:
    return PHOTOS if name.startswith(f"{n.GOLDEN_FOLDER}/") else None


def _of_run(name: str) -> str | None:
    """Return why a file stays; None: it goes. What nobody thought of here stays."""
    folder, _, last = name.rpartition("/")
    if name in _TRAINING:
        return STATE
    if folder == "" and name in layout.REPORTED:
        return PHOTOS
    if folder.startswith(layout.EVALUATION):
        return None if last == "metrics.json" else PHOTOS if last in layout.PAGE else ROWS
    if name in _RUN or folder == layout.ADAPTER:
        return None
    return ROWS
