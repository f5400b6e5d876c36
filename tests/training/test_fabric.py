"""Device and arithmetic by name, and not a word of Lightning's."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import torch

from visionft.training.fabric import LOGGERS, make_fabric


@pytest.mark.parametrize(("precision", "dtype"), [("fp32", torch.float32), ("bf16", torch.bfloat16)])
def test_products_are_made_in_the_arithmetic_that_was_asked_for(settings: Any, precision: str, dtype: Any) -> None:
    fabric = make_fabric(settings(**{"hardware.precision": precision}))
    with fabric.autocast():
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == dtype


def test_lightning_says_nothing_and_its_loggers_are_as_they_were(
    settings: Any, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    for name in LOGGERS:
        logging.getLogger(name).setLevel(logging.INFO)
    make_fabric(settings(**{"hardware.precision": "bf16"}))
    assert (*capfd.readouterr(), caplog.text) == ("", "", "")
    assert [logging.getLogger(name).level for name in LOGGERS] == [logging.INFO] * len(LOGGERS)
