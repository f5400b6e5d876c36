"""Choices that depend on a stopwatch or on free room, made once for a machine: a repeat of a run is then a repeat."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from visionft.backbones import Network
from visionft.data.caches import cache_folder, decisions
from visionft.data.caches.decisions import Decision
from visionft.machine.cores import cores
from visionft.machine.progress import Say
from visionft.planning.choices import Choice
from visionft.planning.crop_sizes import crop
from visionft.planning.whole_batches import compares
from visionft.settings import FitSettings

PACKAGES = ("visionft", "torch", "timm")


def remembered(
    what: str, about: Mapping[str, Any], choose: Callable[[], Sequence[Choice]], say: Say
) -> tuple[Choice, ...]:
    """Return the choices that were made about this on this machine before, or make and keep them.

    Args:
        what: is chosen, in words.
        about: all that it shall depend on beside the machine and the versions.
        choose: makes the choices.
        say: prints one line.
    """
    everything = {"what": what, **about, "machine": machine(), "versions": versions()}
    decision = decisions.settle(everything, lambda: [asdict(choice) for choice in choose()])
    choices = _choices(decision)
    if choices is None:  # written by hand, or by another program
        return tuple(choose())
    if not decision.kept:
        say(
            f"note: the choice of {what} cannot be kept in {cache_folder.root()}, so that another run may choose "
            "otherwise; set $VISIONFT_CACHE to a folder that can be written"
        )
    return choices


def of_step(settings: FitSettings, network: Network) -> dict[str, Any]:
    """Return all that the time and the memory of a training step hang on, as plain values."""
    hardware, optim = settings.hardware, settings.optim
    return {
        "backbone": settings.backbone,
        "head": settings.head,
        "classes": network.num_classes,
        "method": settings.method.model_dump(mode="json"),
        "size": crop(settings, network.input_size),
        "batch_size": optim.batch_size,
        "norm_statistics": optim.norm_statistics,
        "precision": hardware.precision,
        "micro_batch": optim.micro_batch,
        "whole_batches": compares(settings),
        "device": hardware.device,
        "threads": hardware.threads,
        "channels_last": hardware.channels_last,
        "compile": hardware.compile,
        "gradient_checkpointing": hardware.gradient_checkpointing,
    }


def of_photos(settings: FitSettings, digests: Sequence[str], size: tuple[int, int]) -> dict[str, Any]:
    """Return all that the room for decoded photos hangs on, but the room itself."""
    content = hashlib.sha256("\n".join(sorted(digests)).encode()).hexdigest()
    return {"photos": content, "size": size, "epochs": settings.epochs, "cache_gb": settings.data.cache_gb}


def machine() -> dict[str, Any]:
    """Return what a machine is, as far as speed goes."""
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    return {"kind": platform.machine(), "processor": _processor(), "cores": cores(), "gpu": gpu}


def versions() -> dict[str, str]:
    """Return the versions of what computes a step."""
    return {"python": platform.python_version(), **{name: metadata.version(name) for name in PACKAGES}}


def _processor() -> str:
    table = Path("/proc/cpuinfo")
    lines = table.read_text(errors="replace").splitlines() if table.is_file() else []
    named = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return named or platform.processor()


def _choices(decision: Decision) -> tuple[Choice, ...] | None:
    try:
        choices = tuple(Choice(**one) for one in decision.chosen)
    except TypeError:
        return None
    if decision.new:
        return choices
    again = f"as on {decision.made}; `visionft cache --clear` tries again"
    return tuple(Choice(one.setting, one.value, f"{one.reason}, {again}") for one in choices)
