"""Which folder names mean a side of a set: `Training`, `test_set`, `val2017`, `hold-out`."""

from __future__ import annotations

import re
import unicodedata

from visionft.data.splits import SPLIT_NAMES
from visionft.wording.did_you_mean import closest

_SIDES = {
    "train": ("train", "training", "trn", "trainval"),
    "validation": ("val", "valid", "validation", "validate", "vld", "dev", "devel", "eval", "evaluation"),
    "test": ("test", "testing", "tst", "holdout", "heldout"),
}
_SIDE_OF = {name: side for side, names in _SIDES.items() for name in names}
_FILLERS = ("set", "sets", "split", "data", "dataset", "images", "image", "imgs", "img", "photos", "pictures", "folder")
"""Words that say nothing beside a side's name: train_images, test-set, ValData."""


def side_of(name: str) -> str | None:
    """Return train, validation or test, if a folder's name means one of them in any common spelling; else None."""
    joined = "".join(_words(name))
    if joined in _SIDE_OF:
        return _SIDE_OF[joined]
    cut = (joined.removesuffix(filler).removeprefix(filler) for filler in _FILLERS)
    return next((_SIDE_OF[word] for word in cut if word in _SIDE_OF), None)


def side_among(name: str) -> str | None:
    """Return the side that one word of a name means, as in seg_train or flowers-test: a hint, that classes bear out."""
    found = [_SIDE_OF[word] for word in _words(name) if word in _SIDE_OF]
    return side_of(name) or (found[0] if len(found) == 1 else None)


def likely_side(name: str) -> str | None:
    """Return the side that a name seems to mean, misspelt or in a longer word: `trian`, `Testdaten`; only to ask."""
    if side := side_among(name):
        return side
    known = [word for word in _SIDE_OF if len(word) > len("val")]
    for word in _words(name):
        begun = [other for other in ("train", "test", "valid") if word.startswith(other)]
        if near := begun or closest(word, known, cutoff=0.75):
            return _SIDE_OF[near[0]]
    return None


def _words(name: str) -> list[str]:
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", unicodedata.normalize("NFKC", name))
    return [word for word in re.findall(r"[^\W\d_]+", spaced.casefold()) if word not in _FILLERS]


def is_plain(name: str) -> bool:
    """Tell whether a name is one of the five that are read as a side without looking at what they hold."""
    return name.lower() in SPLIT_NAMES


def is_filler(name: str) -> bool:
    """Tell whether a name only says that there are photos below."""
    return name.casefold() in _FILLERS


def is_code(name: str, parent: str) -> bool:
    """Tell whether a folder's name looks like that of a product: two digits or more, or the parent's name and one."""
    digits = sum(sign.isdigit() for sign in name)
    return digits >= 2 or (digits == 1 and name.casefold().startswith(parent.casefold()))
