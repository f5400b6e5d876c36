"""The page of a comparison: what runs and bundles make of the same photos, in one file that asks for nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from visionft.bundle import Bundle
from visionft.evaluation import LETTERS, SideBySide
from visionft.photos import printable
from visionft.reporting import charts
from visionft.reporting.album import Album, Encoded
from visionft.reporting.facts import epochs_of, flattened
from visionft.reporting.templating import environment, policy, text_of
from visionft.runs import Run
from visionft.runs.atomic_write import make_folder, write_text

PHOTOS = 12
"""Photos that are shown of each side on which two subjects differ."""
CLASSES = 200
"""Classes in the table, those that differ most surely first."""


@dataclass(frozen=True)
class Origin:
    """How a subject came about.

    Attributes:
        title: method and backbone, in words.
        settings: by dotted names.
        epochs: rows of its curves; none of a bundle.
        seconds: of training; None where nobody knows.
    """

    title: str
    settings: Mapping[str, Any]
    epochs: Sequence[Mapping[str, Any]] = ()
    seconds: float | None = None

    @classmethod
    def of_run(cls, run: Run) -> Origin:
        """Read what a run's folder has."""
        settings = run.settings
        title = f"{settings.method.name} on {settings.backbone}"
        facts = {"photos (fingerprint)": run.fingerprint[:12], "weights, licence": run.weights_source.get("licence")}
        own = flattened(settings.model_dump(mode="json"))
        own.pop("out", None)  # each run has a folder of its own
        return cls(title, {**own, **facts}, epochs_of(run), run.result.get("seconds"))

    @classmethod
    def of_bundle(cls, bundle: Bundle) -> Origin:
        """Read what a bundle's record has."""
        trained: Any = bundle.record.provenance.get("settings", {})
        settings = flattened(trained)
        settings.pop("out", None)
        return cls(f"bundle of {settings.get('method.name', '?')} on {settings.get('backbone', '?')}", settings)


def write_comparison(found: SideBySide, origins: Sequence[Origin], file: Path, *, pictures: bool = True) -> Path:
    """Write the page.

    Args:
        found: the answers.
        origins: of the subjects, in their order.
        file: of the page; its folder is made.
        pictures: whether photos are shown.

    Raises:
        RunError: it cannot be written.
    """
    paths = dict(zip(map(printable, found.paths), zip(found.paths, found.digests, strict=True), strict=True))
    page = render(found, origins, Album(Encoded(found.root, paths), pictures))
    make_folder(file.parent)
    write_text(file, page)
    return file


def render(found: SideBySide, origins: Sequence[Origin], album: Album) -> str:
    """Return the page as text, with pictures of the album."""
    script = text_of("report.js")
    context = {
        "found": found,
        "facts": found.to_json(),
        "letters": LETTERS,
        "names": [printable(path) for path in found.subjects],
        "origins": [replace(origin, title=printable(origin.title)) for origin in origins],
        "sentences": found.sentences(),
        "classes": found.classes[:CLASSES],
        "differing": differing([flattened(origin.settings) for origin in origins]),
        "apart": _apart(found, album),
        "pictures": album.wanted,
        "charts": _charts(found, origins),
        "style": text_of("report.css"),
        "script": script,
        "policy": policy(script),
    }
    return environment().get_template("compare.html").render(context)


def differing(settings: Sequence[Mapping[str, Any]]) -> list[tuple[str, list[Any]]]:
    """Return the settings that are not the same in all, each with its values; None where one does not have it."""
    names = dict.fromkeys(name for one in settings for name in one)
    rows = [(name, [one.get(name) for one in settings]) for name in names]
    return [(printable(name), values) for name, values in rows if any(value != values[0] for value in values)]


def _apart(found: SideBySide, album: Album) -> list[dict[str, Any]]:
    """Return, of the first subject and each other, the photos that one of both alone answers rightly.

    The sides take turns, so that where the album ends the last pair has pictures too.
    """
    sides = [side for other in range(1, len(found.subjects)) for side in ((0, other), (other, 0))]
    places = [found.apart(*side) for side in sides]
    shown: list[list[dict[str, Any]]] = [[] for _ in sides]
    for turn in range(PHOTOS):
        for (right, wrong), own, photos in zip(sides, places, shown, strict=True):
            if turn < len(own):
                photos.append(_photo(found, int(own[turn]), right, wrong, album))
    return [
        {"right": LETTERS[right], "wrong": LETTERS[wrong], "count": len(own), "photos": photos}
        for (right, wrong), own, photos in zip(sides, places, shown, strict=True)
    ]


def _photo(found: SideBySide, place: int, right: int, wrong: int, album: Album) -> dict[str, Any]:
    path = printable(found.paths[place])
    uri, why = album.picture(path)
    return {
        "path": path,
        "truth": printable(found.truth[place]),
        "label": printable(found.label[wrong, place]),
        "sure": float(found.probability[wrong, place]),
        "right": float(found.probability[right, place]),
        "uri": uri,
        "why": why,
    }


def _charts(found: SideBySide, origins: Sequence[Origin]) -> dict[str, str | None]:
    shares = list(zip(LETTERS, found.top1, found.intervals, strict=False))
    ranked = charts.svg(charts.ranked(shares), "Top-1 of each with its 95 % interval; the table has the same numbers")
    runs = [(letter, origin.epochs) for letter, origin in zip(LETTERS, origins, strict=False) if len(origin.epochs) > 1]
    curves = charts.svg(charts.compared(runs), "Validation loss and top-1 by epoch of each run") if runs else None
    return {"ranked": ranked, "curves": curves}
