"""The settings of one evaluation, whole."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from visionft.settings.applicability import ALWAYS
from visionft.settings.node import Settings, Word


class EvaluateSettings(Settings):
    """Everything that decides what is measured, beside the run or bundle."""

    data: Annotated[Path | None, ALWAYS] = None
    """Other photos, in class folders of the run's classes; with --split: where the run's own are now."""
    split: Annotated[Literal["train", "validation", "test"] | None, ALWAYS] = None
    """Which of the run's own photos; none: test, or other photos given with --data."""
    retention: Annotated[Path | None, ALWAYS] = None
    """Photos of an earlier task: what do the features still know of them?"""
    adapter: Annotated[str | None, ALWAYS] = None
    """The adapter that answers, in a bundle with adapters."""
    out: Annotated[Path | None, ALWAYS] = None
    """A folder for the figures, the predictions per photo and the report."""
    slice: Annotated[tuple[str, ...], ALWAYS] = ()
    """A column of the manifest, such as supplier: accuracy by its values, and which of them is worse by more than
    chance; can be given several times."""
    group_by: Annotated[Word | None, ALWAYS] = None
    """What a product is, to answer its photos together: a column of the manifest; group: the products that fit kept
    together; parent: the photo's folder."""
    pictures: Annotated[Literal["all", "none"] | None, ALWAYS] = None
    """Photos in report.html: all, or none where they must not travel; unset: as the run was told."""
