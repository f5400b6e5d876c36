"""sweep.html: every trial, its interval and what differs by more than chance, in one file that asks for nothing."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from visionft.reporting.charts import svg
from visionft.runs.atomic_write import write_text
from visionft.sweeping import sweep_charts
from visionft.sweeping.sweep_plan import PAGE, SweepPlan, alone, said
from visionft.sweeping.sweep_result import SweepResult
from visionft.wording.safe_text import printable

FACTS = "trials.json"


def write_page(plan: SweepPlan, result: SweepResult) -> Path:
    """Write the page, and the same facts for programs, into a sweep's folder.

    Raises:
        RunError: nothing can be written.
    """
    with alone(plan.folder):
        write_text(plan.folder / FACTS, json.dumps(result.to_json(), indent=1, ensure_ascii=False, default=str) + "\n")
        write_text(plan.folder / PAGE, page(plan, result))
    return plan.folder / PAGE


def page(plan: SweepPlan, result: SweepResult) -> str:
    """Return the page as text."""
    text = (files("visionft.sweeping") / "templates" / "sweep.html.j2").read_text(encoding="utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["printable"] = lambda value: printable(str(value))
    return environment.from_string(text).render(
        plan=plan,
        over=said(plan.varied),
        result=result,
        score=result.score,
        several=len(plan.seeds) > 1,
        charts=_charts(plan, result),
    )


def _charts(plan: SweepPlan, result: SweepResult) -> list[str]:
    drawn: list[tuple[Any, str]] = [
        (sweep_charts.ranking(result), "Score on validation of each draw, the best first; the table has the numbers"),
        (sweep_charts.by_setting(result, plan.drawn), "Score on validation over each varied setting"),
    ]
    return [svg(figure, label) for figure, label in drawn if figure is not None]
