"""`visionft completion`."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import Parameter

from visionft.cli.app import build_app


def completion(
    shell: Annotated[Literal["bash", "zsh", "fish"], Parameter(help="The shell that the script is for.")],
    /,
) -> None:
    """Print a script that completes commands and flags: `source <(visionft completion bash)` in ~/.bashrc.

    It holds what there is today, so that completing starts no Python; print it again after an update.
    """
    print(build_app().generate_completion(shell=shell), end="")
