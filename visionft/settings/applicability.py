"""When a setting has an effect: each field declares one of these, and `obstacles` holds settings against them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_NOTHING: tuple[Any, ...] = (None, "auto", "none", False)  # False is also 0
_UNSET: tuple[Any, ...] = (None, "auto")


@dataclass(frozen=True)
class Applies:
    """When a setting has an effect.

    What is looked at stands in `visionft.settings.obstacles`, by the condition's key: it needs the whole tree, whose
    fields need their conditions.

    Attributes:
        key: names the condition; two may be told in the same words.
        words: the condition for people, such as `weights train by epochs`; empty: always.
        nothing: values that ask for nothing, and so contradict nothing.
    """

    key: str
    words: str
    nothing: tuple[Any, ...] = _NOTHING


ALWAYS = Applies("always", "")
TRAINED = Applies("trained", "weights train by epochs")
TIMED = Applies("timed", "weights train by epochs, and no phases are given")
BACKBONE = Applies("backbone", "the backbone trains, or what is added to it")
RATED = Applies("rated", "weights train by epochs")
ADDED = Applies("added", "weights train by epochs, or an earlier run is gone on from")
NAMED = Applies("named", "weights train by epochs, and no pipeline is given")
FLIPPED = Applies("flipped", "photos are augmented by a strength")
VIEWED = Applies("viewed", "a phase has a frozen part, and neither mixup, cutmix nor a teacher")
STORED = Applies("stored", "decoded photos are kept", _UNSET)
TAUGHT = Applies("taught", "`distill` names a run", _UNSET)
INHERITED = Applies("inherited", "`from` names a run")
FRESH = Applies("fresh", "no `from` is given", _UNSET)
FOLDER = Applies("folder", "the photos are a folder")
MANIFEST = Applies("manifest", "the photos are a manifest")
SOLVABLE = Applies("solvable", "the head is linear, for `lbfgs`")
LONG_TAILED = Applies("long-tailed", "the task has classes", (*_NOTHING, "uniform"))
EFFECTIVE = Applies("effective", "class weights are `effective`", _UNSET)
CLASSED = Applies("classed", "the task has classes")
SMOOTHED = Applies("smoothed", "weights train by epochs, the task has classes, and the loss is its own")
LEARNT = Applies("learnt", "the task can learn from a run")
CONTINUED = Applies("continued", "the task can go on from a run")
PROJECTED = Applies("projected", "the task learns an embedding", (*_UNSET, "photo"))
SEVERAL = Applies("several", "a photo may have several labels")
SAMPLED = Applies("sampled", "weights train by epochs, and the task learns an embedding")
REDUCED = Applies("reduced", "the precision is fp16 or int8")
