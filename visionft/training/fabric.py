"""Lightning's Fabric as training uses it: a device and its arithmetic; it writes nothing and says nothing."""

from __future__ import annotations

import logging

from lightning.fabric import Fabric
from lightning.fabric.plugins.environments.lightning import LightningEnvironment

from visionft.machine.process_state import quiet_loggers
from visionft.settings import FitSettings

PRECISIONS = {"fp32": "32-true", "bf16": "bf16-mixed", "fp16": "16-mixed"}
LOGGERS = ("lightning.fabric", "lightning.pytorch")
"""Fabric says some things under the other package's name."""


def make_fabric(settings: FitSettings, device: int | None = None) -> Fabric:
    """Return the device and arithmetic that resolved settings name.

    Args:
        settings: resolved, without "auto".
        device: index of the CUDA device; none: the first one.
    """
    cuda = settings.hardware.device == "cuda"
    with quiet_loggers(logging.WARNING, *LOGGERS):
        fabric = Fabric(
            accelerator="gpu" if cuda else "cpu",
            devices=[device] if cuda and device is not None else 1,
            precision=PRECISIONS[settings.hardware.precision],  # type: ignore[arg-type]  # Lightning's literal type
            # Several processes are no matter of Fabric's (see `Ranks`), whatever a scheduler's variables say.
            plugins=[LightningEnvironment()],
        )
        fabric.launch()
    return fabric
