"""Settings of the photos: how a folder or a manifest is read, split, kept and augmented."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from visionft.settings.applicability import (
    ALWAYS,
    FLIPPED,
    FOLDER,
    INHERITED,
    LONG_TAILED,
    MANIFEST,
    NAMED,
    PROJECTED,
    STORED,
    TRAINED,
    VIEWED,
)
from visionft.settings.node import Auto, Count, Place, Settings, Share, Word


class DataSettings(Settings):
    """How the photos are read, split and kept."""

    inside: Annotated[Place | Auto | None, FOLDER] = "auto"
    """The folder in PHOTOS that holds the classes or the splits; none: PHOTOS itself; auto: where PHOTOS holds nothing
    but one folder of folders, that is looked through. A level `*` stands for every folder there: '*' reads 2021/hat and
    2022/hat as one class."""
    layout: Annotated[Literal["auto", "classes", "splits"], FOLDER] = "auto"
    """`classes`: a folder a class; `splits`: train/ and validation/ or test/ on top, or below every class; `auto`
    weighs the names and what the folders hold."""
    depth: Annotated[Annotated[int, Field(ge=1, le=8)] | Auto | None, FOLDER] = "auto"
    """Folder levels that make the class name; none: every level above the photo; auto: every level, or those above
    folders that look like products."""
    group_by: Annotated[Literal["auto", "none", "parent", "column"], ALWAYS] = "auto"
    """What a product (SKU) is: photos of one never fall into two splits. `parent`: the photo's folder; `column`: the
    manifest's `group`; `auto`: folders that look like products, and the `group` column where the manifest has one."""
    validation: Annotated[Share, ALWAYS] = 0.15
    """Share of the photos held out for choices, where the photos bring no such split."""
    test: Annotated[Share, ALWAYS] = 0.15
    """Share of the photos held out for the final figures, where the photos bring no split at all."""
    split_by: Annotated[Literal["photo", "class"], PROJECTED] = "photo"
    """What is drawn for a split where the photos bring none: photos (and products, as `group_by` has them), so that
    every split has its share of every class; or whole classes, so that validation and test have classes that training
    never saw."""
    splits: Annotated[Place | None, ALWAYS] = None
    """A splits.csv of an earlier run, whose sides win over new draws."""
    sampling: Annotated[Literal["uniform", "sqrt", "balanced"], LONG_TAILED] = "uniform"
    """How often photos of each class come in training (arXiv 1910.09217): `uniform`: each photo once an epoch;
    `balanced`: each class as often, so that photos of rare ones come several times, in different views; `sqrt`: in
    between, in proportion to the square root of a class's photos. An epoch has as many photos as ever."""
    path_column: Annotated[Word, MANIFEST] = "path"
    """The manifest's column of photo paths, relative to the manifest's folder or absolute."""
    label_column: Annotated[Word, MANIFEST] = "label"
    """The manifest's column of class names, or of what else the task learns; where a photo may have several labels, it
    may name a column for each of them, with commas in between."""
    taxonomy: Annotated[Place | None, ALWAYS] = None
    """A CSV with the columns child and parent: a label becomes its path in that tree, Granny-Smith
    Fruit/Apple/Granny-Smith; none: labels stay as they are."""
    cache: Annotated[Literal["auto", "none", "decoded"], TRAINED] = "auto"
    """`decoded` keeps the training photos on disk as pixels, shrunk to one and a half training crops, for augmented
    training alone; auto: on a GPU, where more than one epoch is trained and they fit."""
    cache_gb: Annotated[float, Field(ge=0.0, le=1_000_000.0), STORED] = 50.0
    """What decoded photos may take on the disk, those of all runs together, in GB."""
    max_pixels: Annotated[int, Field(ge=1), ALWAYS] = 200_000_000
    """Photos of more pixels are quarantined as decompression bombs (the default is 0.6 GB of pixels)."""
    scan_cache: Annotated[bool, ALWAYS] = True
    """Leave photos closed that are what they were when an earlier run checked them; false: open every photo again."""

    @model_validator(mode="before")
    @classmethod
    def _before_auto(cls, given: Any) -> Any:
        """Read what a run from before there was "auto" wrote as it was meant: nothing looked through or guessed."""
        if not isinstance(given, dict) or given.get("group_by", "auto") is not None:
            return given
        return {"inside": None, **given, "group_by": "auto"}


class ClassesSettings(Settings):
    """How the classes of an earlier run become those of the photos (`from_run`); the photos decide which there are."""

    rename: Annotated[dict[Word, Word] | None, INHERITED] = None
    """Classes of the earlier run that are called otherwise in the photos, by their old names."""


class AugmentSettings(Settings):
    """Random changes of the training photos; evaluation never sees them."""

    strength: Annotated[Literal["auto", "none", "light", "medium", "strong"], NAMED] = "auto"
    """Named recipe: `light` crop and flip; `medium` adds colour and light; `strong` adds turns, blur and erasing."""
    pipeline: Annotated[Word | None, TRAINED] = None
    """A pipeline of albumentations, in place of `strength` and `flip`: a YAML or JSON file that `albumentations.save`
    wrote, or what it holds. It gets a whole photo, its short side at most one and a half crops, as uint8 RGB; what
    it returns is brought to the size as `preprocess.mode` has it: by default its middle is cut out and resized."""
    size: Annotated[Annotated[int, Field(ge=16, le=2048)] | Auto, TRAINED] = "auto"
    """Side of the training crops in pixels; auto: four fifths of the evaluation size where the backbone takes any size
    (FixRes, arXiv 1906.06423: objects look larger in random crops than in centre crops), else the evaluation size."""
    start_size: Annotated[Annotated[int, Field(ge=16, le=2048)] | None, TRAINED] = None
    """Side of the training crops in the first epoch; they grow to `size` by the last one (progressive resizing, arXiv
    2104.00298), which saves time where a backbone takes any size, and costs accuracy (benchmarks/growing.py); none: all
    epochs have `size`."""
    flip: Annotated[bool, FLIPPED] = True
    """Mirror photos left to right; switch it off where sides matter (left shoes, lettering)."""
    views: Annotated[Count | Auto | None, VIEWED] = "auto"
    """Different views of a photo in a phase whose lower part is frozen: epoch e trains on view e modulo `views`, and
    the frozen part runs once for each view instead of once an epoch; none: every epoch has views of its own; auto: 1
    where nothing is random about a view, else none."""
    mixup: Annotated[float, Field(ge=0.0, le=10.0), TRAINED] = 0.0
    """Beta parameter of mixup (arXiv 1710.09412); 0 switches it off."""
    cutmix: Annotated[float, Field(ge=0.0, le=10.0), TRAINED] = 0.0
    """Beta parameter of CutMix (arXiv 1905.04899); 0 switches it off."""
