"""Whether a CUDA device can be here at all, asked without torch, whose import takes seconds."""

from __future__ import annotations

import os

NO_DEVICE = "--hardware.device is cuda, but torch sees no CUDA device here; leave it out or give cpu"
"""The sentence for whoever asked for one."""
_DRIVER = "libcuda.so.1"
_OTHER_DRIVERS = ("rocm", "hip", "xpu")  # builds of torch that call another make of device "cuda"


def surely_none() -> bool:
    """Tell whether no CUDA device can be used by the torch that is installed; False where only torch itself knows.

    It is certain where all devices are hidden, where torch was built without CUDA, and where there is no driver. The
    driver is looked for and not started: whoever starts it first decides how it stands for the whole process.
    """
    if os.environ.get("CUDA_VISIBLE_DEVICES", "unset").strip() in ("", "-1"):
        return True
    from importlib.metadata import PackageNotFoundError, version

    try:
        build = version("torch").partition("+")[2]
    except PackageNotFoundError:
        return False
    if build.startswith(_OTHER_DRIVERS):
        return False
    return build.startswith("cpu") or not _has_driver()


def _has_driver() -> bool:
    import ctypes

    try:
        ctypes.CDLL(_DRIVER)
    except OSError:
        return False
    return True
