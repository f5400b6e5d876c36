"""The log: one JSON object a line, and no more lines of one kind than are of use."""

from __future__ import annotations

import json
import logging
import sys
from typing import Any

import pytest

from visionft.serving.server import access_log
from visionft.serving.server.access_log import FewLines, JsonLines, logger


def record(message: str = "request", level: int = logging.INFO, **fields: Any) -> logging.LogRecord:
    made = logging.LogRecord("visionft.serving", level, __file__, 1, message, (), None)
    made.fields = fields
    return made


def test_a_line_is_an_object_with_its_fields() -> None:
    line = JsonLines().format(record(status=200, path="/ü\n", photos=3))
    assert "\n" not in line
    told = json.loads(line)
    assert told["time"].endswith("+00:00")
    assert {key: told[key] for key in ("level", "event", "status", "path")} == {
        "level": "info", "event": "request", "status": 200, "path": "/ü\n",
    }  # fmt: skip


def test_a_fault_is_a_list_of_places_on_one_line() -> None:
    made = record("fault", logging.ERROR)
    try:
        _ = 1 / 0
    except ZeroDivisionError:
        made.exc_info = sys.exc_info()
    told = json.loads(JsonLines().format(made))
    assert told["fault"] == "ZeroDivisionError: division by zero"
    assert told["places"][-1].endswith("test_a_fault_is_a_list_of_places_on_one_line")


def test_lines_of_one_kind_have_a_rate_and_the_next_says_how_many_were_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = [100.0]
    monkeypatch.setattr(access_log.time, "monotonic", lambda: clock[0])
    few = FewLines(seconds=0.1)  # two lines of another kind at once
    passed = [few.filter(record(status=404)) for _ in range(5)]
    assert passed == [True, True, False, False, False]
    assert few.filter(record(status=200)), "answered requests have an allowance of their own"
    clock[0] += 0.06
    made = record(status=404)
    assert few.filter(made)
    assert json.loads(JsonLines().format(made))["left_out"] == 3


def test_lines_of_libraries_are_few_whatever_their_words() -> None:
    few = FewLines(seconds=0.05)
    lines = [logging.LogRecord("PIL", logging.WARNING, "", 1, f"odd {n}", (), None) for n in range(3)]
    assert [few.filter(line) for line in lines] == [True, False, False]


def test_each_level_has_its_word(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger.name):
        access_log.say("ready", port=1)
        access_log.warn("slow", seconds=2)
        access_log.print_errors("fault", ValueError("x"), request="1")
    lines = [json.loads(JsonLines().format(one)) for one in caplog.records]
    assert [(line["level"], line["event"]) for line in lines] == [
        ("info", "ready"), ("warning", "slow"), ("error", "fault"),
    ]  # fmt: skip
    assert (lines[0]["port"], lines[2]["fault"], lines[2]["request"]) == (1, "ValueError: x", "1")
