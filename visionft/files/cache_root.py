"""Where everything lies that is kept between runs and can be had again."""

from __future__ import annotations

import os
from pathlib import Path

VARIABLE = "VISIONFT_CACHE"


def root() -> Path:
    """Return the folder of all caches: $VISIONFT_CACHE, else the system's place for caches; it may not be there yet.

    A `~` is the home folder also where no shell has read the variable, as in a Dockerfile.
    """
    given = os.environ.get(VARIABLE)
    if given:
        return Path(os.path.expanduser(given))  # noqa: PTH111  # Path's may raise
    from platformdirs import user_cache_path  # a server, which keeps nothing, has no such package

    return user_cache_path("visionft")
