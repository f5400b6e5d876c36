"""The page: facts, pictures and charts through the template, into one text of HTML that asks for nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from visionft.reporting import charts
from visionft.reporting.album import Album
from visionft.reporting.photo_answers import SMALL
from visionft.reporting.templating import environment, flat, policy, text_of

Facts = Mapping[str, Any]
SIDE = 960
"""Width of a large confusion matrix in the SVG's own units; it scrolls on a narrow screen."""
LABELLED = 100
"""Classes up to which rows and columns of a large matrix have their names."""
MOST = 6
"""Most confused pairs that are shown as pictures by themselves."""
CELLS = 6_000
"""Cells of a large matrix that are drawn, the fullest first."""


def render(facts: Facts, album: Album) -> str:
    """Return the page of a run or of an evaluation: its facts as `facts.py` makes them, with pictures of the album."""
    run = facts if facts["kind"] == "run" else None
    evaluation = facts["evaluation"] if run is not None else facts
    script, style = text_of("report.js"), text_of("report.css")
    context = {
        "run": run,
        "evaluation": evaluation,
        "most_confused": [],
        **illustrated(evaluation, album),
        "environment": list(flat(run["environment"]).items()) if run is not None else [],
        "subject": facts["subject"],
        "pictures": album.wanted,
        "explained": album.heat is not None,
        "small": len(evaluation["per_class"]) <= SMALL,
        "matrix": matrix(evaluation),
        "charts": drawn(run, evaluation),
        "style": style,
        "script": script,
        "policy": policy(script),
    }
    return environment().get_template("report.html").render(context)


def illustrated(evaluation: Facts, album: Album) -> dict[str, Any]:
    """Return photos with their pictures; where the album has no room for all, those that tell most come first."""
    if "pairs" not in evaluation:
        return {}

    def shown(photos: Sequence[Facts]) -> list[dict[str, Any]]:
        found = []
        for photo in photos:
            uri, why = album.picture(photo["path"])
            found.append({**photo, "uri": uri, "why": why, "heat": None})
        return found

    def cells(pairs: Sequence[Facts]) -> list[dict[str, Any]]:
        return [{**pair, "photos": shown(pair["photos"])} for pair in pairs]

    photos = {name: shown(evaluation[name]) for name in ("worst", "least_sure")}
    most = cells(evaluation["pairs"][:MOST])
    found = {**photos, "most_confused": most, "pairs": cells(evaluation["pairs"]), "right": cells(evaluation["right"])}
    # Once every photo has its picture: where there is no room for all, those that show the photo itself are there.
    for photo in [*photos["worst"], *(photo for pair in most for photo in pair["photos"]), *photos["least_sure"]]:
        photo["heat"] = album.warm(photo["path"]) if photo["uri"] else None
    return found


def drawn(run: Facts | None, evaluation: Facts) -> dict[str, str | None]:
    """Return the charts as SVG; None where there are no facts for one."""
    found: dict[str, str] = {}
    if run is not None and sum(row["epoch"] > 0 for row in run["epochs"]):
        label = "Loss, top-1 and learning rate by epoch; the same numbers are in the table below"
        found["curves"] = charts.svg(charts.curves(run["epochs"], run["phases"]), label)
    if evaluation.get("reliability"):
        label = "Share of right answers by the probability of the answer; the same numbers are in the table below"
        found["reliability"] = charts.svg(charts.reliability(evaluation["reliability"]), label)
    if run is not None and run["known_scores"]:
        known = run["known_scores"]
        label = "Number of validation photos by their known score"
        found["known"] = charts.svg(charts.known_scores(known["scores"], known["threshold"]), label)
    return {name: found.get(name) for name in ("curves", "reliability", "known")}


def matrix(evaluation: Facts) -> dict[str, Any]:
    """Return what is drawn of a large confusion matrix: cells that hold photos, and the names beside them."""
    counts, names = evaluation["confusion"], [row["name"] for row in evaluation["per_class"]]
    room = 170 if len(names) <= LABELLED else 0
    step = (SIDE - room) / len(names)
    shown = {(pair["true"], pair["answered"]) for pair in evaluation.get("pairs", ())}
    cells = [
        {
            "x": round(room + answered * step, 2),
            "y": round(room + true * step, 2),
            "true": true,
            "answered": answered,
            "count": count,
            "share": round(count / max(1, sum(row)), 3),
            "opens": (true, answered) in shown,
        }
        for true, row in enumerate(counts)
        for answered, count in enumerate(row)
        if count
    ]
    cells = sorted(cells, key=lambda cell: -cell["count"])[:CELLS]
    return {"cells": cells, "names": names, "room": room, "step": round(step, 3), "side": SIDE}
