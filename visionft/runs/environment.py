"""What a run ran on: versions and hardware."""

from __future__ import annotations

import platform
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from visionft.machine.cores import cores, installed
from visionft.runs.layout import KEEPS_DIGESTS, VERSION

PACKAGES = (
    "visionft",
    "torch",
    "torchvision",
    "timm",
    "lightning",
    "albumentations",
    "numpy",
    "scikit-learn",
    "pillow",
    "simplejpeg",
)


def describe() -> dict[str, Any]:
    """Return versions (of the run folder too), hardware and the command, for environment.json."""
    return {
        VERSION: KEEPS_DIGESTS,
        "python": platform.python_version(),
        "packages": {name: version for name in PACKAGES if (version := _version(name))},
        "platform": platform.platform(),
        "processor": {
            "cores": installed(),
            "usable_cores": cores(),
            "capability": torch.backends.cpu.get_cpu_capability(),
        },
        "gpus": [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())],
        "cuda": torch.version.cuda if torch.cuda.is_available() else None,
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
    }


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
