"""Claim: the bundle answers like the run, on every photo of the test split, from the photos' encoded bytes.

python benchmarks/agreement.py RUN...     exports each run beside it and prints agreement and the largest difference
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from cells import Cells

import visionft as vft
from visionft.evaluation import predict_run
from visionft.serving import predict


def agreement(run: vft.Run) -> dict[str, Any]:
    """Export a run and compare all answers of its test split: label by label, probability by probability."""
    folder = Path(tempfile.mkdtemp())
    began = time.perf_counter()
    exported = vft.export(run, folder / "bundle", golden="none")
    seconds = time.perf_counter() - began
    manifest = run.manifest()
    places = [manifest.root / path for path in manifest.rows("test").paths]
    trained, served = predict_run(run, places), predict(exported.bundle, places)
    size = (exported.bundle / "model.onnx").stat().st_size
    shutil.rmtree(folder)
    differences = [np.abs(a.probabilities - b.probabilities).max() for a, b in zip(trained, served, strict=True)]
    same = [a.label == b.label for a, b in zip(trained, served, strict=True)]
    return {
        "n": len(places),
        "same_label": sum(same),
        "max_probability_difference": float(max(differences)),
        "mean_probability_difference": float(np.mean(differences)),
        "gate": {"n": exported.n, "max_probability_difference": exported.max_probability_difference},
        "export_seconds": round(seconds, 1),
        "megabytes": round(size / 1e6, 1),
    }


if __name__ == "__main__":
    cells = Cells("agreement")
    for place in sys.argv[1:]:
        run = vft.Run.open(place)
        key = {"set": run.manifest().root.name, "backbone": run.settings.backbone, "method": run.settings.method.name}
        cells.measure(key, lambda run=run: agreement(run))
