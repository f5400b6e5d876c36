"""Work in a process of its own: its memory is its own, and nothing of it is left when it ends or is given up.

The other Python runs this file, so that it imports what the task needs and nothing else.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from visionft import errors
from visionft.errors import MemoryShortError, SettingsError, VisionftError

T = TypeVar("T")


class TaskError(RuntimeError):
    """A task failed in a way that no user can mend; the message ends with its traceback."""


def in_process(task: Callable[..., T], *arguments: Any, advance: Callable[[int, int], None]) -> T:
    """Return `task(*arguments, advance=...)` of a fresh Python.

    Not multiprocessing's: a script that calls this needs no `if __name__ == "__main__"`, and the process has a group of
    its own, in which its readers of photos end with it.

    Args:
        task: a function of a module; it, its arguments and its answer are pickled.
        arguments: what it takes.
        advance: receives (done, total) as the task reports it.

    Raises:
        VisionftError: what the task raised.
        MemoryShortError: the process was killed.
        TaskError: the task raised something else.
    """
    ours, theirs = Pipe()
    command = [sys.executable, "-P", __file__, str(theirs.fileno())]
    # Its own bars would be drawn over the caller's, and in a notebook as signs of a terminal.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "VISIONFT_NO_BARS": "1"}
    # Standard output is the caller's alone: its last line may be JSON.
    process = subprocess.Popen(
        command, env=environment, pass_fds=[theirs.fileno()], stdout=subprocess.DEVNULL, start_new_session=True
    )
    theirs.close()
    try:
        ours.send((task, arguments))
        outcome: T = _outcome(ours, process, advance)
        return outcome
    finally:
        _end(process)
        ours.close()


def answer() -> None:
    """Do the task that the caller sends: what the other Python runs."""
    connection = Connection(int(sys.argv[1]))
    task, arguments = connection.recv()
    threading.Thread(target=_follow, args=(connection,), daemon=True).start()
    try:
        done = task(*arguments, advance=lambda k, n: connection.send(("advance", (k, n))))
        connection.send(("done", done))
    except VisionftError as error:
        connection.send(("refused", (type(error).__name__, str(error))))
    except BaseException:  # noqa: BLE001  # whatever it is, the caller must hear of it
        connection.send(("broken", traceback.format_exc()))
    sys.stderr.flush()
    os._exit(0)  # the thread reads for ever, and libraries' exit handlers have nothing left to do


def _follow(connection: Connection) -> None:
    """End with the caller, whatever ends it: its side of the pipe closes."""
    try:
        connection.recv()
    except (EOFError, OSError):
        os.killpg(0, signal.SIGKILL)


def _outcome(connection: Connection, process: subprocess.Popen[bytes], advance: Callable[[int, int], None]) -> Any:
    while True:
        try:
            kind, value = connection.recv()
        except (EOFError, ConnectionError):
            raise _death(process.wait()) from None
        match kind:
            case "advance":
                advance(*value)
            case "done":
                return value
            case "refused":
                raise _again(*value)
            case _:
                raise TaskError(value)


def _again(kind: str, message: str) -> VisionftError:
    if kind == SettingsError.__name__:
        return SettingsError(message.splitlines())
    made: VisionftError = getattr(errors, kind, VisionftError)(message)
    return made


def _death(code: int) -> Exception:
    if code == -signal.SIGKILL:
        return MemoryShortError(
            "the system killed the process that tried this (signal 9), most often because memory ran out; "
            "choose a smaller --backbone, --optim.micro-batch or --hardware.workers"
        )
    return TaskError(f"the process ended with the code {code} and no word")


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill what is left of the group; its readers of photos heed no gentler signal than their parent's."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


if __name__ == "__main__":
    answer()
