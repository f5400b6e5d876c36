"""Opening a model with onnxruntime."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

from tests.bundle.making import colour_model, make_bundle
from visionft.bundle import Bundle
from visionft.classes import Classes
from visionft.errors import BundleError
from visionft.serving.onnx_session import check_metadata, open_model


def test_a_file_and_its_bytes_answer_alike(tmp_path: Path) -> None:
    file = make_bundle(tmp_path / "b") / "model.onnx"
    photo = {"image": np.full((1, 5, 6, 3), 77, np.uint8)}
    one, two = (open_model(source, threads=1).run(["logits"], photo)[0] for source in (file, file.read_bytes()))
    np.testing.assert_array_equal(one, two)


def test_the_options_are_those_of_a_server_that_decodes_too(tmp_path: Path) -> None:
    model = colour_model().SerializeToString()
    options = open_model(model, threads=2, arena=False).get_session_options()
    assert (options.intra_op_num_threads, options.enable_cpu_mem_arena, options.enable_mem_pattern) == (2, False, False)
    assert options.get_session_config_entry("session.intra_op.allow_spinning") == "0"
    assert open_model(model).get_session_options().enable_cpu_mem_arena


def test_what_onnxruntime_cannot_open_is_one_sentence() -> None:
    words = rf"^onnxruntime {ort.__version__} cannot open the model \(.*\): update it, or export the run again$"
    with pytest.raises(BundleError, match=words):
        open_model(b"no model")


def test_a_model_of_other_classes_is_refused(tmp_path: Path) -> None:
    bundle = Bundle.open(make_bundle(tmp_path / "b"))
    check_metadata(bundle, open_model(bundle.model))
    other = open_model(colour_model(Classes.of(["a", "b", "c"])).SerializeToString())
    with pytest.raises(BundleError, match=r"was exported with other classes than bundle\.json names"):
        check_metadata(bundle, other)
