"""The log: one JSON object a line on stderr, one line a request, and no more lines of one kind than are of use."""

from __future__ import annotations

import json
import logging
import sys
import threading
import time
import traceback
import warnings
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

logger = logging.getLogger("visionft.serving")

SOUND_RATE, OTHER_RATE = 200.0, 20.0
"""Lines a second of answered requests, and of each other kind; ten seconds' lines may come at once."""
_BURST_SECONDS = 10.0


class JsonLines(logging.Formatter):
    """Formats a record and its `fields` as one line of JSON, an exception as a list of places."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        content: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if left_out := getattr(record, "left_out", 0):
            content["left_out"] = left_out
        if record.exc_info and (fault := record.exc_info[1]):
            places = traceback.extract_tb(fault.__traceback__)
            content["fault"] = f"{type(fault).__name__}: {fault}"
            content["places"] = [f"{place.filename}:{place.lineno} {place.name}" for place in places]
        return json.dumps(content, default=str)


class FewLines(logging.Filter):
    """Lets lines of one kind through at a bounded rate; the next that passes says how many were left out before it.

    A kind is an event of ours with the class of its status, or the logger of a library with its level: few, whatever
    clients send.
    """

    def __init__(self, seconds: float = _BURST_SECONDS) -> None:
        """Begin with a whole allowance, of so many seconds' lines, for every kind."""
        super().__init__()
        self._seconds = seconds
        self._kinds: dict[object, tuple[float, float, int]] = {}  # allowance, when it was reckoned, lines left out
        self._lock = threading.Lock()

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a line is written."""
        kind, rate = _kind(record)
        with self._lock:
            now = time.monotonic()
            allowance, then, left_out = self._kinds.get(kind, (rate * self._seconds, now, 0))
            allowance = min(rate * self._seconds, allowance + rate * (now - then))
            passes = allowance >= 1
            self._kinds[kind] = (allowance - 1, now, 0) if passes else (allowance, now, left_out + 1)
        record.left_out = left_out
        return passes


def _kind(record: logging.LogRecord) -> tuple[object, float]:
    fields = getattr(record, "fields", None)
    if fields is None:
        return (record.name, record.levelno), OTHER_RATE
    status = fields.get("status", 0) // 100
    return (record.msg, status), SOUND_RATE if 1 <= status <= 3 else OTHER_RATE


def configure() -> None:
    """Send our lines, and all that Python and the libraries below have to say, to stderr as JSON."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    handler.addFilter(FewLines())
    logging.root.handlers = [handler]
    logging.root.setLevel(logging.WARNING)
    logging.raiseExceptions = False  # a line that cannot be written is no reason to write another that is no JSON
    logger.setLevel(logging.INFO)
    for name in ("python_multipart", "PIL"):  # they tell of damaged forms and photos, which get their 4xx
        logging.getLogger(name).setLevel(logging.CRITICAL)
    warnings.filterwarnings("ignore", module=r"PIL\.")
    logging.captureWarnings(True)
    sys.excepthook = _uncaught
    sys.unraisablehook = lambda told: print_errors("fault", told.exc_value or Exception(str(told.err_msg)))
    threading.excepthook = lambda told: print_errors("fault", told.exc_value or told.exc_type())


def _uncaught(kind: type[BaseException], fault: BaseException, trace: TracebackType | None) -> None:  # noqa: ARG001
    print_errors("fault", fault)


def say(event: str, **fields: object) -> None:
    """Write one line."""
    logger.info(event, extra={"fields": fields})


def warn(event: str, **fields: object) -> None:
    """Write one line about what whoever runs the server should know."""
    logger.warning(event, extra={"fields": fields})


def print_errors(event: str, fault: BaseException, **fields: object) -> None:
    """Write one line about a fault of our own."""
    logger.error(event, extra={"fields": fields}, exc_info=(type(fault), fault, fault.__traceback__))
