"""What the target's own interpreter runs: every batch answered into a file without pickle."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.bundle.making import make_adapted_bundle, make_bundle
from visionft.exporting.target.answer_in_target import main
from visionft.serving import Session

BATCHES = [np.full((1, 4, 5, 3), 90, np.uint8), np.zeros((2, 3, 3, 3), np.uint8)]


def asked(folder: Path, model: Path, *adapter: str) -> dict[str, np.ndarray]:
    np.savez(folder / "asked.npz", *BATCHES)
    main(str(model), str(folder / "asked.npz"), str(folder / "answered.npz"), *adapter)
    with np.load(folder / "answered.npz", allow_pickle=False) as found:
        return dict(found)


def test_every_output_of_every_batch_is_there_and_names_are_text(tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "b")
    found = asked(tmp_path, bundle / "model.onnx")
    truth = Session(bundle).answer(BATCHES[0][0])
    assert found["0/label"].tolist() == [truth.label]
    np.testing.assert_allclose(found["0/probabilities"][0], truth.probabilities, rtol=1e-6)
    assert found["1/logits"].shape == (2, 3)
    assert found["0/label"].dtype.kind == "U"


def test_an_adapter_answers_where_one_is_given(tmp_path: Path) -> None:
    bundle = make_adapted_bundle(tmp_path / "b")
    found = asked(tmp_path, bundle / "model.onnx", str(bundle / "adapters" / "two.onnx_adapter"))
    truth = Session(bundle).answer(BATCHES[0][0], "two")
    np.testing.assert_allclose(found["0/probabilities"][0], truth.probabilities, rtol=1e-5)
