"""`visionft doctor`."""

from __future__ import annotations

import platform
import shutil
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from visionft.cli.output import Json, finish

_PACKAGES = ("visionft", "torch", "timm", "lightning", "albumentations", "onnx", "onnxruntime", "numpy", "simplejpeg")
_GIB = 2**30
_HUB = "https://huggingface.co"
_PATIENCE = 5.0  # seconds to wait for the hub


def doctor(
    *,
    network: Annotated[
        bool, Parameter(help="Ask too whether the hub of pretrained weights answers.", negative="")
    ] = False,
    as_json: Json = False,
) -> None:
    """Print what this machine has: versions, hardware, space. The network is left alone unless asked for."""
    found = {
        "python": platform.python_version(),
        "system": platform.platform(),
        **_versions(),
        **_hardware(),
        **_space(),
    }
    if network:
        found["hub"] = _hub()
    width = max(map(len, found))
    said = "\n".join(f"{name:{width}}  {value}" for name, value in found.items())
    finish(said, found, "fit", "PHOTOS", as_json=as_json)


def _versions() -> dict[str, str]:
    return {name: _installed(name) for name in _PACKAGES}


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _hardware() -> dict[str, Any]:
    import torch

    from visionft.machine.cores import cores
    from visionft.machine.devices import has_bf16

    found: dict[str, Any] = {"cores": cores(), "threads": torch.get_num_threads()}
    if not torch.cuda.is_available():
        bf16 = has_bf16("cpu")
        return {**found, "gpu": "none", "bf16": "on the processor" if bf16 else "no"}
    card = torch.cuda.get_device_properties(0)
    bf16 = has_bf16("cuda")
    return {**found, "gpu": f"{card.name}, {card.total_memory / _GIB:.0f} GiB", "bf16": "on the GPU" if bf16 else "no"}


def _space() -> dict[str, str]:
    return {"free disk here": f"{shutil.disk_usage(Path.cwd()).free / _GIB:.1f} GiB"}


def _hub() -> str:
    from urllib.error import URLError
    from urllib.request import urlopen

    try:
        with urlopen(_HUB, timeout=_PATIENCE):
            return f"{_HUB} answers"
    except (URLError, OSError) as error:
        return f"{_HUB} does not answer ({error}); give --weights FILE to fit"
