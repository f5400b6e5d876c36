"""Lightning's Fabric as training uses it: device, precision and processes; it writes nothing and says nothing."""

from __future__ import annotations

import logging

from lightning.fabric import Fabric
from lightning.fabric.plugins.environments.lightning import LightningEnvironment

from visionft.settings import FitSettings

PRECISIONS = {"fp32": "32-true", "bf16": "bf16-mixed", "fp16": "16-mixed"}


def make_fabric(settings: FitSettings) -> Fabric:
    """Return the device and arithmetic that resolved settings name."""
    logging.getLogger("lightning.fabric").setLevel(logging.WARNING)
    fabric = Fabric(
        accelerator="gpu" if settings.hardware.device == "cuda" else "cpu",
        devices=1,
        precision=PRECISIONS[settings.hardware.precision],  # type: ignore[arg-type]  # Lightning's literal type
        # One process, whatever a scheduler's variables say.
        plugins=[LightningEnvironment()],
    )
    fabric.launch()
    return fabric
