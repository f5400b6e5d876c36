"""A shrunken model beside the trained one, on validation photos."""

from __future__ import annotations

import numpy as np
import onnx

from tests.exporting.fakes import FakeRun
from visionft.exporting.parity_photos import read_photos
from visionft.exporting.quantization import quantize as shrinking
from visionft.exporting.quantization.accuracy import QuantizedModel, judge
from visionft.exporting.reference_answers import Truth
from visionft.metrics import Postprocess


def test_photos_are_judged_alone_and_in_batches(run: FakeRun, built: onnx.ModelProto) -> None:
    trained = Truth(run.trained, run.preprocess, run.answering(0.8))
    rows = run.manifest().rows("validation")
    same = QuantizedModel.of_models(built, shrinking.core_of(built), trained)

    judged = judge(same, trained, read_photos(run.photos, rows, range(18)), 18)

    assert all((flips.lost, flips.gained, flips.n) == (0, 0, 18) for flips in judged.flips())
    np.testing.assert_allclose(judged.alone.logits, judged.trained.logits, atol=1e-3)
    np.testing.assert_allclose(judged.batched, judged.trained.logits, atol=1e-3)
    assert judged.labels.tolist() == rows.labels.tolist()
    plain = Postprocess.plain()
    assert judged.refit(plain, 0.8) is plain, "a run without calibration stays without"
