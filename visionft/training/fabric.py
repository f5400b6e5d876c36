"""Lightning's Fabric as training uses it: a device and its arithmetic; it writes nothing and says nothing."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from lightning.fabric import Fabric
from lightning.fabric.plugins.environments.lightning import LightningEnvironment

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
    with ExitStack() as quiet:
        for name in LOGGERS:
            quiet.enter_context(_only_warnings(logging.getLogger(name)))
        fabric = Fabric(
            accelerator="gpu" if cuda else "cpu",
            devices=[device] if cuda and device is not None else 1,
            precision=PRECISIONS[settings.hardware.precision],  # type: ignore[arg-type]  # Lightning's literal type
            # Several processes are no matter of Fabric's (see `Ranks`), whatever a scheduler's variables say.
            plugins=[LightningEnvironment()],
        )
        fabric.launch()
    return fabric


@contextmanager
def _only_warnings(logger: logging.Logger) -> Iterator[None]:
    """Let a logger say what it calls a warning, and have its level back afterwards: it is its user's."""
    before = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(before)
