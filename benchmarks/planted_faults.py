"""What an audit finds of planted faults, edited copies and wrong labels, and what it says of photos without any.

    python benchmarks/planted_faults.py planted near-duplicates labels
    python benchmarks/planted_faults.py --markdown

Planted: ten each of twenty kinds of fault in a copy of clothing's validation and test photos; an alarm on the clean
copy counts as false, though clothing has real faults. Near duplicates: edited copies among clothing's test photos.
Labels: uniform noise on all of clothing's photos, ranked by the probability of the own label, beside cleanlab's default
on the same probabilities.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch
from cells import SHARED, Cells
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps
from sklearn.metrics import average_precision_score, roc_auc_score

from visionft import backbones, workflows
from visionft.auditing import THRESHOLD, near_duplicates
from visionft.auditing.label_errors import judge
from visionft.auditing.photo_features import compute, keys_of
from visionft.data import prepare
from visionft.settings import DataSettings

Picture = Image.Image
EACH = 10
SOURCES = 40  # photos that are edited, for near duplicates
FIGURES = ("auroc", "average_precision", "precision", "recall")
WHITE, GREY = (255, 255, 255), (128, 128, 128)


def jpeg(picture: Picture, quality: int) -> Picture:
    """Store a picture as a JPEG and read it back."""
    file = BytesIO()
    picture.convert("RGB").save(file, "JPEG", quality=quality)
    return Image.open(BytesIO(file.getvalue())).convert("RGB")


def crop(picture: Picture, share: float = 0.2) -> Picture:
    """Cut off a share of the area."""
    width, height = (round(side * (1 - share) ** 0.5) for side in picture.size)
    left, top = (picture.width - width) // 3, (picture.height - height) // 2
    return picture.crop((left, top, left + width, top + height))


def watermark(picture: Picture) -> Picture:
    """Write three lines over a picture, half see-through."""
    marked = picture.copy()
    draw = ImageDraw.Draw(marked, "RGBA")
    for line in (0.2, 0.5, 0.8):
        place = (picture.width * 0.1, picture.height * line)
        draw.text(place, "SAMPLE SHOP", font_size=max(12, picture.width // 8), fill=(255, 255, 255, 140))
    return marked


def screenshot(picture: Picture) -> Picture:
    """Put a picture on the page of a shop."""
    width, height = picture.size
    page = Image.new("RGB", (round(width * 1.3), round(height * 1.4)), (245, 245, 245))
    page.paste(picture, (round(width * 0.15), round(height * 0.2)))
    draw = ImageDraw.Draw(page)
    draw.rectangle((0, 0, page.width, round(height * 0.08)), fill=(40, 40, 60))
    draw.text((10, 5), "shop.example  12:30", font_size=max(10, height // 25), fill=WHITE)
    draw.text((width * 0.15, height * 1.25), "Add to cart   9.99", font_size=max(12, height // 18), fill=(0, 0, 0))
    return page


def collage(picture: Picture, others: Sequence[Picture]) -> Picture:
    """Put a picture and three others into one."""
    width, height = picture.size
    sheet = Image.new("RGB", (width * 2, height * 2))
    for at, one in enumerate((picture, *others)):
        sheet.paste(one.resize((width, height)), (at % 2 * width, at // 2 * height))
    return sheet.resize((width, height))


def everything(picture: Picture) -> Picture:
    """Turn, crop, mirror, lighten, mark, shrink and store a picture again."""
    edited = watermark(brighter(ImageOps.mirror(crop(picture.rotate(5, fillcolor=GREY)))))
    return jpeg(edited.resize((picture.width * 2 // 3, picture.height * 2 // 3)), 40)


def brighter(picture: Picture) -> Picture:
    """Lighten a picture by two fifths."""
    return ImageEnhance.Brightness(picture).enhance(1.4)


EDITS: dict[str, Callable[[Picture], Picture]] = {
    "recompressed": lambda picture: jpeg(picture, 30),
    "resized": lambda picture: picture.resize((picture.width // 2, picture.height // 2)),
    "flipped": ImageOps.mirror,
    "cropped 20 %": crop,
    "rotated 5 degrees": lambda picture: picture.rotate(5, Image.Resampling.BICUBIC, fillcolor=WHITE),
    "brightness": brighter,
    "watermark": watermark,
    "grey": lambda picture: picture.convert("L").convert("RGB"),
    "border": lambda picture: ImageOps.expand(picture, round(0.08 * picture.width), WHITE),
    "screenshot": screenshot,
    "all at once": everything,
}
COPY = {"copy", "near-duplicate", "leak", "two-labels", "placeholder"}
FAULTS: dict[str, set[str]] = {
    "exact copy": COPY, "copy across splits": {"leak"}, **dict.fromkeys(list(EDITS)[:9], COPY),
    "relabelled": {"label"}, "blank": {"blank"}, "dark": {"dark", "blank"}, "blurred": {"blurred"},
    "truncated": {"unreadable"}, "wrong extension": {"extension"}, "tiny": {"tiny"}, "extreme shape": {"shape"},
    "placeholder": {"placeholder"},
}  # fmt: skip
"""Kinds of planted faults, and the kinds of findings that name them."""


def spoil(folder: Path, seed: int = 0) -> dict[str, list[str]]:
    """Plant `EACH` of every fault into a copy of photos in validation/ and test/; return their paths by kind."""
    rng = np.random.default_rng(seed)
    photos = sorted(str(path.relative_to(folder)) for path in folder.rglob("*.jpg") if "test" in path.parts)
    classes = sorted(path.name for path in (folder / "test").iterdir())
    chosen = rng.permutation(photos)
    stand_in = Image.effect_mandelbrot((300, 300), (-2.0, -1.5, 1.0, 1.5), 60).convert("RGB")
    planted: dict[str, list[str]] = {}
    for number, kind in enumerate(FAULTS):
        sources = chosen[number * EACH : (number + 1) * EACH]
        planted[kind] = [
            plant(folder, kind, Path(source), f"{number:02}-{at}", classes, stand_in)
            for at, source in enumerate(sources)
        ]
    return planted


def plant(folder: Path, kind: str, source: Path, name: str, classes: Sequence[str], stand_in: Picture) -> str:
    """Plant one fault, made of a photo, and return its path."""
    side, label = source.parts[0], source.parts[1]
    target, quality = Path(side, label, f"planted-{name}.jpg"), 92
    picture = Image.open(folder / source).convert("RGB")
    if kind in ("exact copy", "copy across splits"):
        target = Path("validation" if kind == "copy across splits" else side, label, target.name)
        shutil.copy(folder / source, folder / target)
        return str(target)
    if kind == "relabelled":
        target = Path(side, classes[(classes.index(label) + 1 + int(name[-1])) % len(classes)], target.name)
        (folder / source).rename(folder / target)
        return str(target)
    if kind == "truncated":
        data = (folder / source).read_bytes()
        (folder / target).write_bytes(data[: len(data) * 2 // 3])
        return str(target)
    if kind == "wrong extension":
        jpeg(crop(picture, 0.5), 80).save(folder / target.with_suffix(".png"), "JPEG")
        (folder / source).unlink()
        return str(target.with_suffix(".png"))
    changed = {
        "blank": lambda: Image.new("RGB", picture.size, (200 + int(name[-1]), 200, 190)),
        "dark": lambda: ImageEnhance.Brightness(picture).enhance(0.1),
        "blurred": lambda: picture.filter(ImageFilter.GaussianBlur(picture.width / 60)),
        "tiny": lambda: picture.resize((32, 40)),
        "extreme shape": lambda: picture.resize((picture.width, picture.width // 6)),
        "placeholder": lambda: stand_in,
    }
    if kind == "placeholder":
        target = Path(side, classes[int(name[-1]) % len(classes)], target.name)
    if kind in changed and kind != "placeholder":
        (folder / source).unlink()
    made = changed[kind]() if kind in changed else EDITS[kind](picture)
    made.save(folder / target, quality=quality)
    return str(target)


def planted(cache: Path) -> dict[str, Any]:
    """Audit a clean copy and a spoiled one."""
    clean, spoiled = cache / "clean", cache / "spoiled"
    for folder in (clean, spoiled):
        shutil.rmtree(folder, ignore_errors=True)
        for side in ("validation", "test"):
            shutil.copytree(SHARED / "data" / "clothing" / side, folder / side.replace("validation", "train"))
    for folder in (clean, spoiled):  # two sides are enough, and one has to be that which is trained on
        (folder / "train").rename(folder / "validation")
    faults = spoil(spoiled)
    for folder in (clean, spoiled):
        (folder / "validation").rename(folder / "train")
    faults = {kind: [path.replace("validation/", "train/") for path in paths] for kind, paths in faults.items()}
    before, after = (workflows.audit(folder, out=None) for folder in (clean, spoiled))
    found = {path: {f.kind for f in after.findings if path in f.photos} for paths in faults.values() for path in paths}
    return {
        "photos": before.facts["photos_looked_at"],
        "seconds": before.facts["seconds"],
        "found": {kind: sum(bool(found[path] & FAULTS[kind]) for path in paths) for kind, paths in faults.items()},
        "each": EACH,
        "on_the_clean_copy": before.counts,
    }


def edited(cache: Path) -> dict[str, Any]:
    """Find edited copies among the photos that they were made of."""
    folder = cache / "edited"
    shutil.rmtree(folder, ignore_errors=True)
    (folder).mkdir(parents=True)
    originals = sorted((SHARED / "data" / "clothing" / "test").rglob("*.jpg"))
    order = np.random.default_rng(0).permutation(len(originals))
    sources: dict[str, set[int]] = {}
    for at, path in enumerate(originals):
        shutil.copy(path, folder / f"original-{at:04}.jpg")
        sources[f"original-{at:04}.jpg"] = {at}
    edits = [*EDITS, "collage"]
    for at in order[:SOURCES].tolist():
        picture = Image.open(originals[at]).convert("RGB")
        for kind in edits:
            others = (
                [int(order[(SOURCES + 3 * at + step) % len(order)]) for step in range(3)] if kind == "collage" else []
            )
            pictures = [Image.open(originals[other]).convert("RGB") for other in others]
            made = collage(picture, pictures) if kind == "collage" else EDITS[kind](picture)
            name = f"edit-{at:04}-{edits.index(kind):02}.jpg"
            made.save(folder / name, quality=90)
            sources[name] = {at, *others}
    return judged(folder, sources, edits)


def judged(folder: Path, sources: dict[str, set[int]], edits: Sequence[str]) -> dict[str, Any]:
    """Compare what is said of pairs with what they were made of."""
    names, began = sorted(sources), time.monotonic()
    from visionft.photos import contents, digest

    digests = [digest(contents(folder / name)) for name in names]
    network = backbones.create(backbones.OFFLINE_BACKBONE, "hub", 1)
    features = compute(network, folder, names, digests)
    looked = time.monotonic() - began
    pairs = near_duplicates.candidates(features, np.arange(len(names)))
    values = near_duplicates.compare(folder, names, keys_of(digests), pairs)
    true = np.array([bool(sources[names[a]] & sources[names[b]]) for a, b in pairs])
    is_edit = np.array([names[a].startswith("edit") or names[b].startswith("edit") for a, b in pairs])
    found = {}
    for threshold in (0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6):
        said = values >= threshold
        right, wrong = int((said & is_edit & true).sum()), int((said & is_edit & ~true).sum())
        recall = recalls(names, pairs[said], edits)
        found[f"{threshold:g}"] = {
            "precision": round(right / max(1, right + wrong), 4),
            "recall": round(float(np.mean([*recall.values()])), 4),
            "recall_without_collage": round(float(np.mean([v for k, v in recall.items() if k != "collage"])), 4),
            "by_edit": recall,
            "originals_said": [
                [names[a], names[b], round(float(v), 3)]
                for (a, b), v in zip(pairs[said & ~is_edit], values[said & ~is_edit], strict=True)
            ],
        }
    return {"photos": len(names), "pairs": len(pairs), "seconds_looking": round(looked, 1),
            "seconds": round(time.monotonic() - began, 1), "default": THRESHOLD, "at": found}  # fmt: skip


def recalls(names: Sequence[str], said: Any, edits: Sequence[str]) -> dict[str, float]:
    """Return the share of each kind of copy that is in one group with its source."""
    place, group = {name: at for at, name in enumerate(names)}, np.arange(len(names))
    for members in near_duplicates.groups(len(names), said):
        group[members] = members[0]
    hits: dict[str, list[bool]] = {kind: [] for kind in edits}
    for name, at in place.items():
        if name.startswith("edit"):
            _, source, kind = name.removesuffix(".jpg").split("-")
            hits[edits[int(kind)]].append(bool(group[at] == group[place[f"original-{source}.jpg"]]))
    return {kind: round(float(np.mean(values)), 4) for kind, values in hits.items()}


def noisy(noise: float, seed: int) -> dict[str, Any]:
    """Give a share of clothing's photos another class at random, and rank all labels."""
    from cleanlab.filter import find_label_issues
    from cleanlab.rank import get_label_quality_scores

    manifest = prepare(SHARED / "data" / "clothing", DataSettings())
    table, names = manifest.table, list(manifest.classes.names)
    truth = np.array([names.index(label) for label in table["label"].to_pylist()])
    network = backbones.create(backbones.OFFLINE_BACKBONE, "hub", 1)
    features = compute(network, manifest.root, table["path"].to_pylist(), table["digest"].to_pylist())
    rng = np.random.default_rng(seed)
    wrong = rng.random(len(truth)) < noise
    given = np.where(wrong, (truth + rng.integers(1, len(names), len(truth))) % len(names), truth)
    quality = judge(features.embeddings, given, np.arange(len(truth)), len(names))
    scores = {"ours": quality.confidence, "cleanlab": get_label_quality_scores(given, quality.probabilities)}
    said = {"ours": quality.suspect, "cleanlab": find_label_issues(given, quality.probabilities, n_jobs=1)}
    accuracy = float((quality.probabilities.argmax(1) == truth).mean())
    result: dict[str, Any] = {"photos": len(truth), "wrong": int(wrong.sum()), "accuracy": round(accuracy, 4)}
    for name, score in scores.items():
        result[name] = {
            "auroc": round(float(roc_auc_score(wrong, -score)), 4),
            "average_precision": round(float(average_precision_score(wrong, -score)), 4),
            "said": int(said[name].sum()),
            "precision": round(float(wrong[said[name]].mean()), 4),
            "recall": round(float(said[name][wrong].mean()), 4),
        }
    return result


def markdown(rows: Sequence[dict[str, Any]]) -> str:
    """Return a table for each thing that was measured."""
    parts = []
    for row in rows:
        what = row["key"]["what"]
        if what == "planted":
            lines = ["| planted fault | found |", "|---|---|"]
            lines += [f"| {kind} | {number} of {row['each']} |" for kind, number in row["found"].items()]
            lines.append(f"| said of {row['photos']} clean photos | {row['on_the_clean_copy']} |")
        elif what == "near-duplicates":
            lines = ["| threshold | precision | recall | without collages |", "|---|---|---|---|"]
            lines += [
                f"| {at} | {f['precision']:.3f} | {f['recall']:.3f} | {f['recall_without_collage']:.3f} |"
                for at, f in row["at"].items()
            ]
        else:
            lines = [f"{row['key']}:", "| | AUROC | AP | precision | recall |", "|---|---|---|---|---|"]
            lines += [
                f"| {name} | {' | '.join(str(row[name][figure]) for figure in FIGURES)} |"
                for name in ("ours", "cleanlab")
            ]
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def main() -> None:
    """Measure what is not measured yet, or print the tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", nargs="*", default=["planted", "near-duplicates", "labels"])
    parser.add_argument("--noise", type=float, nargs="*", default=[0.1])
    parser.add_argument("--seed", type=int, nargs="*", default=[0])
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "visionft-planted-faults")
    parser.add_argument("--markdown", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(2)
    cells = Cells("planted_faults")
    if given.markdown:
        print(markdown(cells.rows))
        return
    if "planted" in given.what:
        cells.measure({"what": "planted", "set": "clothing"}, partial(planted, given.cache))
    if "near-duplicates" in given.what:
        cells.measure({"what": "near-duplicates", "set": "clothing"}, partial(edited, given.cache))
    if "labels" in given.what:
        for noise, seed in [(noise, seed) for noise in given.noise for seed in given.seed]:
            key = {"what": "labels", "set": "clothing", "noise": noise, "seed": seed}
            cells.measure(key, partial(noisy, noise, seed))


if __name__ == "__main__":
    main()
