"""What every command says at its end: the next command, or one JSON object."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from shlex import quote
from typing import Annotated, Any

from cyclopts import Parameter

from visionft.errors import VisionftError
from visionft.wording.safe_text import printable, printable_text

Json = Annotated[
    bool,
    Parameter(name="--json", negative="", show_default=False, help="Print one JSON object as the last line of stdout."),
]


def say(as_json: bool, line: str) -> None:
    """Print a line for people: to stderr where JSON was asked for, since stdout is then for programs.

    Names come from outside: their control characters and bytes that are no text are escaped.
    """
    # With its end in one piece: a signal between the two would put what it says on the same line.
    print(f"{printable_text(line)}\n", end="", file=sys.stderr if as_json else sys.stdout, flush=True)


@contextmanager
def counting() -> Iterator[Callable[[int, int], None]]:
    """Yield `advance(done, total)`, one line with rate and time left; silent where stderr is no terminal."""
    if not sys.stderr.isatty():
        yield lambda *_: None
        return
    begin = time.monotonic()

    def advance(done: int, total: int) -> None:
        rate = done / max(1e-9, time.monotonic() - begin)
        pace = f", {rate:.0f}/s, {round((total - done) / rate):,} s left" if done else ""
        print(f"\r{done:,} of {total:,} photos{pace}\x1b[K", end="", file=sys.stderr, flush=True)

    try:
        yield advance
    finally:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def finish(
    said: str,
    result: Mapping[str, Any],
    *following: str | Path,
    as_json: bool,
    failure: VisionftError | None = None,
) -> None:
    """Print a command's outcome and the command that comes next.

    Args:
        said: the outcome in words; with JSON it goes to stderr, so that stdout has the object alone at its end.
        result: the JSON object.
        following: the words of the next command after `visionft`; none: nothing comes next.
        as_json: whether JSON was asked for.
        failure: what makes the command fail all the same; its sentence is in the object as `error`, and it is raised.
    """
    if failure is not None:
        failure.in_result = True
        result = {**result, "error": str(failure), "exit_code": failure.exit_code}
    if said:
        say(as_json, said)
    if following:
        say(as_json, "Next: visionft " + " ".join(_quoted(str(word)) for word in following))
    if as_json:
        # What is left of bytes that are no text stands in JSON's own escapes.
        text = json.dumps(result, ensure_ascii=False, default=_plain)
        print(text.encode("utf-8", "backslashreplace").decode("utf-8"), flush=True)
    if failure is not None:
        raise failure


_ADDRESS = re.compile(r"^hf:/(?=[^/])")
"""An address of the hub that went through a path, which has one slash where there are two."""


def _quoted(word: str) -> str:
    """Return a word of a command line that can be copied into a shell, which reads the escapes of `$'...'` back."""
    word = _ADDRESS.sub("hf://", word)
    if printable(word) == word:
        return quote(word)
    return "$'" + "".join(_shell_escaped(sign) for sign in word) + "'"


def _shell_escaped(sign: str) -> str:
    if sign in "\\'":
        return f"\\{sign}"
    if sign != printable(sign):
        return "".join(f"\\x{byte:02x}" for byte in os.fsencode(sign))
    return sign


def _plain(value: Any) -> Any:
    """Return numpy scalars as Python numbers and everything else as text."""
    return value.item() if hasattr(value, "item") else str(value)
