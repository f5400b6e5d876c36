"""What the network runs on: onnxruntime's execution providers by short names."""

from __future__ import annotations

from collections.abc import Callable

import onnxruntime as ort

_CPU = "CPUExecutionProvider"
PROVIDERS = {
    "cpu": (_CPU,),
    "cuda": ("CUDAExecutionProvider", _CPU),
    "tensorrt": ("TensorrtExecutionProvider", "CUDAExecutionProvider", _CPU),
}
"""Short name -> onnxruntime's names; each runs what those before it cannot."""


def available(name: str, say: Callable[[str], None]) -> tuple[str, ...]:
    """Return the providers of PROVIDERS[name] that this onnxruntime has, and say it where the first is missing."""
    wanted = PROVIDERS[name]
    found = tuple(provider for provider in wanted if provider in ort.get_available_providers())
    if found[0] != wanted[0]:
        say(fallen_back(name, found[0], f"this onnxruntime {ort.__version__} was built without it"))
    return found


def confirm(name: str, session: ort.InferenceSession, say: Callable[[str], None]) -> str:
    """Return the short name of what the session really runs on; onnxruntime drops a provider it cannot load."""
    running = session.get_providers()[0]
    asked = PROVIDERS[name][0]
    if running != asked and asked in ort.get_available_providers():
        say(fallen_back(name, running, "its libraries or its device are missing"))
    return next(short for short, names in PROVIDERS.items() if names[0] == running)


def fallen_back(name: str, running: str, reason: str) -> str:
    """Return the sentence about a provider that cannot be used."""
    advice = "pip install onnxruntime-gpu in its place, on a machine with its libraries and device"
    return f"--provider {name} cannot be used ({reason}), so the network runs on {running}: {advice}"
