"""The log: one JSON object a line on stderr, one line a request."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import Any

logger = logging.getLogger("visionft.serving")


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
        if record.exc_info and (fault := record.exc_info[1]):
            places = traceback.extract_tb(fault.__traceback__)
            content["fault"] = f"{type(fault).__name__}: {fault}"
            content["places"] = [f"{place.filename}:{place.lineno} {place.name}" for place in places]
        return json.dumps(content, default=str)


def configure() -> None:
    """Send our lines, and what the libraries below warn of, to stderr as JSON."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.root.handlers = [handler]
    logging.root.setLevel(logging.WARNING)
    logger.setLevel(logging.INFO)
    for name in ("python_multipart", "PIL"):  # they tell of damaged forms and photos, which get their 4xx
        logging.getLogger(name).setLevel(logging.CRITICAL)


def say(event: str, **fields: object) -> None:
    """Write one line."""
    logger.info(event, extra={"fields": fields})


def complain(event: str, fault: BaseException, **fields: object) -> None:
    """Write one line about a fault of our own."""
    logger.error(event, extra={"fields": fields}, exc_info=(type(fault), fault, fault.__traceback__))
