"""The page of a task that answers photos with photos: figures, and queries with what they found, in pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from visionft.reporting import charts
from visionft.reporting.album import Album
from visionft.reporting.templating import environment, flat, policy, text_of
from visionft.tasks.spec import Score

Facts = Mapping[str, Any]


def render_queries(facts: Facts, album: Album, score: Score) -> str:
    """Return the page of a run or of an evaluation: its facts as `query_facts.py` makes them."""
    run = facts if facts["kind"] == "run" else None
    evaluation = facts["evaluation"] if run is not None else facts
    script = text_of("report.js")
    context = {
        "run": run,
        "evaluation": evaluation,
        "worst": _shown(evaluation["worst"], album),
        "drawn": _shown(evaluation["drawn"], album),
        "environment": list(flat(run["environment"]).items()) if run is not None else [],
        "subject": facts["subject"],
        "pictures": album.wanted,
        "curves": _curves(run, score),
        "style": text_of("report.css"),
        "script": script,
        "policy": policy(script),
    }
    return environment().get_template("queries.html").render(context)


def _shown(queries: Sequence[Facts], album: Album) -> list[dict[str, Any]]:
    """Return queries with their pictures and those of what they found."""
    return [
        {**query, **_picture(query, album), "hits": [{**hit, **_picture(hit, album)} for hit in query["hits"]]}
        for query in queries
    ]


def _picture(photo: Facts, album: Album) -> dict[str, Any]:
    uri, why = album.picture(photo["path"])
    return {"uri": uri, "why": why}


def _curves(run: Facts | None, score: Score) -> str | None:
    if run is None or not any(row["epoch"] > 0 for row in run["epochs"]):
        return None
    label = f"Loss, {score.words} and learning rate by epoch; the same numbers are in the table below"
    return charts.svg(charts.curves(run["epochs"], run["phases"], score), label)
