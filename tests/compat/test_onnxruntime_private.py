"""Canaries: each says what broke, and who needs it, where another version of onnxruntime lacks a name."""

from __future__ import annotations

import inspect

from visionft.compat import onnxruntime_private as private


def test_the_calibrated_quantizer_takes_what_the_recipes_give_it() -> None:
    words = "onnxruntime changed QDQQuantizer: int8 export (quantization/recipes) is written against these arguments"
    wanted = {"model", "per_channel", "nodes_to_exclude", "op_types_to_quantize", "extra_options"}
    assert wanted <= set(inspect.signature(private.QDQQuantizer.__init__).parameters), words


def test_the_registries_name_the_operators_of_networks() -> None:
    words = "onnxruntime's registries lost operators: int8 export asks them what can be quantized"
    assert {"Conv", "MatMul"} <= set(private.QDQRegistry) | set(private.QLinearOpsRegistry), words


def test_calibration_and_half_precision_have_their_doors() -> None:
    assert "calibrate_method" in inspect.signature(private.create_calibrator).parameters, "int8 export calibrates by it"
    assert "keep_io_types" in inspect.signature(private.convert_float_to_float16).parameters, "fp16 export needs it"
