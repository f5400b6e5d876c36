"""Read a folder of class folders: split layouts, nested classes, products."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from visionft.classes import normalise
from visionft.data.listing import Builder, Listing, count, some
from visionft.data.manifest import SPLIT_NAMES
from visionft.data.walking import Walk, entries, join
from visionft.errors import DataError
from visionft.photos import Quarantined
from visionft.settings import DataSettings

LOOSE = "not in a class folder"
# Only for what is said aloud: a LICENSE beside the splits surprises nobody, a photo does.
PHOTO_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif"}


@dataclass(frozen=True)
class _Part:
    """A folder whose sub-folders are classes; `split` is None where sides are to be drawn."""

    folder: str
    split: str | None


def scan(root: Path, settings: DataSettings) -> Listing:
    """List the photos under `root`; a class is its folder's path below the split, NFC, cut to `settings.depth` levels.

    Raises:
        DataError: no class folders, no such layout, or `group_by` cannot be followed in a folder.
    """
    _check_grouping(settings)
    parts, notes = _parts(root, settings)
    scanned = _Scan(root, settings)
    for part in parts:
        scanned.read(part)
    return scanned.listing(notes)


def is_split_layout(root: Path) -> bool:
    """Tell whether `train` and one of val, valid, validation or test exist in `root` and hold folders."""
    held = {
        SPLIT_NAMES[name.lower()] for name in _folders(root) if name.lower() in SPLIT_NAMES and _folders(root / name)
    }
    return "train" in held and len(held) > 1


def _check_grouping(settings: DataSettings) -> None:
    if settings.group_by == "column":
        raise DataError(
            "--data.group-by column needs a CSV or Parquet manifest with a `group` column: a folder has none"
        )
    if settings.group_by == "parent" and settings.depth is None:
        raise DataError(
            "--data.group-by parent needs --data.depth, the number of folder levels that make the class: "
            "without it every folder is a class of its own; use --data.depth 1 for class/product/photo"
        )


def _folders(folder: Path) -> list[str]:
    return entries(folder).folders


def _parts(root: Path, settings: DataSettings) -> tuple[list[_Part], list[str]]:
    splits = settings.layout == "splits" or (settings.layout == "auto" and is_split_layout(root))
    if not splits:
        return [_Part("", None)], _split_like(root, settings)
    found = {name: SPLIT_NAMES[name.lower()] for name in _folders(root) if name.lower() in SPLIT_NAMES}
    if "train" not in found.values():
        raise DataError(f"{root} has no folder `train`, which --data.layout splits asks for: use --data.layout classes")
    seen = entries(root)
    photos = [name for name in seen.files if Path(name).suffix.lower() in PHOTO_SUFFIXES]
    beside = [*(f"{name}/" for name in seen.folders if name not in found), *photos]
    notes = (
        [f"beside the splits of {root}, {some(beside)} {'is' if len(beside) == 1 else 'are'} ignored"] if beside else []
    )
    return [_Part(name, split) for name, split in found.items()], notes


def _split_like(root: Path, settings: DataSettings) -> list[str]:
    named = [name for name in _folders(root) if name.lower() in SPLIT_NAMES]
    if settings.layout != "auto" or "train" not in {name.lower() for name in named}:
        return []
    return [
        f"{some(named)} in {root} {'is' if len(named) == 1 else 'are'} read as class names, not as splits: "
        "--data.layout splits or --data.layout classes settles it"
    ]


class _Scan:
    def __init__(self, root: Path, settings: DataSettings) -> None:
        self.root, self.settings = root, settings
        self.rows = Builder()
        self.quarantine: list[Quarantined] = []
        self.labels: set[str] = set()
        self.empty: set[str] = set()

    def read(self, part: _Part) -> None:
        walk = Walk(self.root, part.folder)
        for folder in walk:
            levels = folder.path.split("/")[1 if part.folder else 0 :] if folder.path else []
            if not levels:
                self.quarantine += [Quarantined(join(folder.path, name), LOOSE) for name in folder.files]
            elif folder.files:
                self._add(folder.path, folder.files, levels, part.split)
            elif folder.is_leaf:
                self.empty.add(self._label(levels))
        self.quarantine += walk.quarantine

    def _label(self, levels: list[str]) -> str:
        return normalise("/".join(levels[: self.settings.depth]))

    def _add(self, folder: str, files: list[str], levels: list[str], split: str | None) -> None:
        label, product = self._label(levels), normalise("/".join(levels))
        self.labels.add(label)
        # A photo directly in its class folder belongs to no product: else a whole class would be one.
        group = product if self.settings.group_by == "parent" and product != label else None
        for name in files:
            self.rows.add(join(folder, name), label, split, group)

    def listing(self, notes: list[str]) -> Listing:
        if not self.labels:
            raise DataError(self._nothing())
        empty = sorted(self.empty - self.labels)
        if empty:
            what = "holds no photo and is" if len(empty) == 1 else "hold no photo and are"
            notes = [*notes, f"{count(len(empty), 'class folder')} {what} left out: {some(empty)}"]
        return Listing(self.root, self.rows.table(), tuple(self.quarantine), tuple(notes))

    def _nothing(self) -> str:
        loose = any(item.reason == LOOSE for item in self.quarantine)
        if loose:
            return (
                f"the files of {self.root} lie in no class folder: give every class a folder of its own, or a manifest"
            )
        if self.empty:
            return f"the class folders of {self.root} ({some(sorted(self.empty))}) hold no photo: put photos into them"
        return (
            f"{self.root} holds no class folders: give a folder with one folder of photos for each class, or a manifest"
        )
