"""The whole way on photos that come with the package: to see what it does before there are photos of one's own."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from visionft.workflows.evaluate import evaluate
from visionft.workflows.export import export
from visionft.workflows.fit import fit
from visionft.workflows.predict import predict
from visionft.workflows.sample_photos import write_sample

if TYPE_CHECKING:
    from visionft.bundle import Prediction
    from visionft.exporting import Exported
    from visionft.runs import Run

Say = Callable[[str], None]
FOLDER = Path("visionft-demo")
ASKED = 4
"""Test photos that the bundle answers at the end."""


@dataclass(frozen=True)
class Demo:
    """What a demo left.

    Attributes:
        folder: that holds all of it.
        run: the fit.
        exported: the bundle.
        top1: accuracy on the test photos, in [0, 1].
        answers: of the bundle to some of them.
        seconds: for all of it.
    """

    folder: Path
    run: Run
    exported: Exported
    top1: float
    answers: tuple[Prediction, ...]
    seconds: float

    @property
    def report(self) -> Path:
        """The page of the run."""
        return self.run.path / "report.html"

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain values that json can write."""
        return {
            "folder": str(self.folder),
            "run": str(self.run.path),
            "bundle": str(self.exported.bundle),
            "report": str(self.report),
            "test_top1": self.top1,
            "seconds": self.seconds,
        }


def demo(out: str | Path = FOLDER, say: Say = print) -> Demo:
    """Fit, evaluate, export and predict on the package's own photos and backbone; no network is asked.

    Args:
        out: a folder for photos, run and bundle; the same call again finds there what is done.
        say: prints one line.

    Raises:
        DataError: the folder holds something else, or cannot be written.
        VisionftError: as of `fit` and `export`.
    """
    began, folder = time.monotonic(), Path(out)
    photos = folder / "photos"
    say(f"{write_sample(photos)} photos of 10 kinds of products, which come with visionft: {photos}")
    run = fit(
        photos, method="head", backbone="visionft_pico", out=folder / "run", say=say,
        data={"depth": 1, "group_by": "parent"},
    )  # fmt: skip
    exported = export(run, folder / "bundle")
    say(str(exported))
    evaluation = evaluate(run)
    unseen = evaluation.predictions["path"].to_pylist()
    answers = predict(exported.bundle, [photos / path for path in unseen[:: max(1, len(unseen) // ASKED)][:ASKED]])
    say("what the bundle answers to photos of products that were not learnt from:")
    for row in answers.answered:
        say(f"  {row.path}: {row.label} ({row.probability:.0%})")
    return Demo(folder, run, exported, evaluation.metrics.top1, answers.answered, time.monotonic() - began)
