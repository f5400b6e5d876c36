"""`onnxruntime==X`: which runtime is meant, and what it can open."""

from __future__ import annotations

import pytest

from visionft.errors import UsageError
from visionft.exporting.target import Target


@pytest.mark.parametrize(
    ("given", "opset", "numpy"),
    [
        ("onnxruntime==1.15", 18, "numpy<2"),
        ("onnxruntime == 1.16.3", 18, "numpy<2"),
        ("onnxruntime==1.17.0", 20, "numpy<2"),
        ("onnxruntime==1.18.1", 20, "numpy<2"),
        ("onnxruntime==1.19.2", 20, "numpy"),
        ("onnxruntime==1.100.0", 20, "numpy"),
    ],
)
def test_a_version_says_what_it_opens_and_needs(given: str, opset: int, numpy: str) -> None:
    target = Target.parse(given)

    assert (target.opset, target.requirements[1]) == (opset, numpy)
    assert target.requirements[0] == str(target) == given.replace(" ", "")


@pytest.mark.parametrize(
    "given",
    ["", "onnxruntime", "onnxruntime>=1.17", "onnxruntime==1.*", "onnxruntime==1.17,<2", "tensorrt==9.0", "1.17"],
)
def test_what_is_no_runtime_and_version_is_refused(given: str) -> None:
    with pytest.raises(UsageError, match=r"is no runtime and its version; give one such as onnxruntime==1\.17\.3$"):
        Target.parse(given)


def test_targets_that_cannot_carry_a_bundle_get_one_sentence() -> None:
    with pytest.raises(UsageError, match=r"onnxruntime 1\.14\.1 is older than any that opens a bundle; give 1\.15 or"):
        Target.parse("onnxruntime==1.14.1")
    with pytest.raises(UsageError, match=r"onnxruntime 1\.19\.2 cannot carry adapters; give 1\.20 or later, or export"):
        Target.parse("onnxruntime==1.19.2").require_adapters()
    Target.parse("onnxruntime==1.20.0").require_adapters()
