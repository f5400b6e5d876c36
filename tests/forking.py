"""Runs `visionft` in forked children of a process that has imported everything: `python -m tests.forking`.

It starts no thread, so that its children are whole. It reads one order a line, as JSON:
{"arguments": of visionft, "out": the run's folder, "log": a file, "event": N or null, "seconds": S or null}.
The child is killed by SIGKILL before it touches the run's files for the Nth time, or after S seconds. The answer is one
line of JSON as well: {"code": as os.waitstatus_to_exitcode gives it, "events": touches, "seconds": its time}.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time
from pathlib import Path
from typing import Any

TOUCHES = {"open", "os.rename", "os.remove", "os.mkdir", "os.link", "os.rmdir", "os.truncate"}
"""Audit events of Python that come before a file is opened, replaced or removed."""


def child(order: dict[str, Any], counts: int) -> None:
    """Run the command, and end."""
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    seen = 0

    def note(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal seen
        if event not in TOUCHES or not isinstance(arguments[0], str | os.PathLike):
            return
        if os.fspath(arguments[0]).startswith(order["out"]):
            seen += 1
            if seen == order["event"]:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(note)
    from visionft.cli import main as run

    code = run(order["arguments"])
    sys.stdout.flush()
    os.write(counts, str(seen).encode())
    os._exit(code)


def carry_out(order: dict[str, Any]) -> dict[str, Any]:
    """Fork a child for an order, and return what became of it."""
    ours, theirs = os.pipe()
    began = time.monotonic()
    if (pid := os.fork()) == 0:
        child(order, theirs)
    os.close(theirs)
    if order["seconds"] is not None and not select.select([ours], [], [], order["seconds"])[0]:
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    seconds = time.monotonic() - began
    told = os.read(ours, 20)
    os.close(ours)
    return {"code": os.waitstatus_to_exitcode(status), "events": int(told or 0), "seconds": seconds}


def others() -> list[str]:
    """Return the names of threads beside this one, but for that of Arrow's allocator, which knows of forks."""
    names = [file.read_text().strip() for file in Path("/proc/self/task").glob("*/comm")]
    return sorted(name for name in names if name != "jemalloc_bg_thd")[1:]


def main() -> None:
    """Import what a fit needs, and carry out orders until the input ends."""
    import lightning  # noqa: F401
    from matplotlib import font_manager  # noqa: F401

    import visionft.cli
    import visionft.reporting
    import visionft.training  # noqa: F401

    assert len(others()) == 0, f"a fork would lose threads: {others()}"
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(carry_out(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
