"""Arguments that several commands take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from visionft.cli.path_checks import PLACE

Model = Annotated[Path, PLACE, Parameter(help="The folder of a run or of a bundle, or hf://OWNER/NAME.")]
Adapter = Annotated[str | None, Parameter(help="The adapter that answers, in a bundle with adapters.")]


def adapter_words(adapter: str | None) -> list[str]:
    """Return the words that name an adapter in the next command."""
    return [] if adapter is None else ["--adapter", adapter]
