"""How a run records a function that its caller gave: by a name that no task has."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

OWN = "own:"
"""Begins such a name."""


def is_own(name: str | None) -> bool:
    """Tell whether a recorded name is of a function of the caller's own."""
    return name is not None and name.startswith(OWN)


def own_name(function: Any) -> str:
    """Return what a run records of a function or of an object that can be called: `own:focal`."""
    while isinstance(function, partial):
        function = function.func
    name = getattr(function, "__name__", None) or type(function).__name__
    return OWN + re.sub(r"\W+", "", str(name))
