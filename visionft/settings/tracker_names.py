"""Which trackers of experiments a fit is told to, from a list of names."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

from visionft.errors import MissingExtraError, UsageError
from visionft.wording.did_you_mean import did_you_mean
from visionft.wording.lists import some

TRACKERS = {"csv": (), "tensorboard": ("tensorboard",), "mlflow": ("mlflow", "sqlalchemy"), "wandb": ("wandb",)}
"""Tracker -> the modules that it needs beside Lightning's logger for it."""
NO_LOGGER = ("trackio",)
"""Trackers that people ask for."""


def tracker_names(given: str | Sequence[str] | None) -> tuple[str, ...]:
    """Return the named trackers in their order, each once; none of none.

    Args:
        given: names, or one text of names between commas.

    Raises:
        UsageError: a name is unknown, or there is none.
        MissingExtraError: a tracker is not installed.
    """
    if given is None:
        return ()
    words = given.split(",") if isinstance(given, str) else list(given)
    names = tuple(dict.fromkeys(word.strip() for word in words if word.strip()))
    if not names:
        raise UsageError(f"--log: no tracker is named; give one or several of {some(TRACKERS)}, with commas in between")
    for name in names:
        if name in NO_LOGGER:
            raise UsageError(f"--log: Lightning has no logger for {name}; give one or several of {some(TRACKERS)}")
        if name not in TRACKERS:
            meant = did_you_mean(name, TRACKERS)
            raise UsageError(f"--log: {name} is not known here{meant}; give one or several of {some(TRACKERS)}")
        if missing := next((module for module in TRACKERS[name] if find_spec(module) is None), None):
            raise MissingExtraError(
                f'--log {name} needs {missing}, not installed here: pip install "visionft[{name}]", or leave it out'
            )
    return names
