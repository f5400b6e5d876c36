"""Tensors of the Open Inference Protocol: to arrays, and back."""

from __future__ import annotations

import pytest

from visionft.serving.server.http_error import RefusalError
from visionft.serving.server.tensors import image_of


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ([True, False, 1, 2, 3, 4], "other things than whole numbers"),
        ([1, 2, 3, 4, 5, None], "other things than whole numbers"),
        ([[1, 2, 3], 4, 5, 6], "a ragged list"),
        ([[1, 2, 3], [4, 5]], "a ragged list"),
        ([{}], "other things than whole numbers"),
        ([], "stands for 6 numbers and its data has 0"),
        ([[], []], "stands for 6 numbers and its data has 0"),
    ],
)
def test_data_of_other_kinds_is_told(data: object, sentence: str) -> None:
    with pytest.raises(RefusalError, match=sentence):
        image_of([1, 1, 2, 3], data)
