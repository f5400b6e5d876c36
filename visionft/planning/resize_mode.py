"""Crop, pad or squash: measured where a centre crop would cut many photos, before anything is trained."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from visionft import backbones
from visionft.backbones import LinearHead, Network, forward_batches
from visionft.data import Batch, EvalPhotos, Manifest, Rows, eval_batches
from visionft.errors import PhotoError
from visionft.machine.arithmetic import full_precision
from visionft.machine.progress import Advance, Say, bar
from visionft.photos import contents, size_of
from visionft.planning.choices import Choice
from visionft.planning.remembered_choices import remembered
from visionft.preprocess import Preprocess
from visionft.runs.criterion import Figures, Photos
from visionft.runs.learning import Learning, learning_of
from visionft.settings import FitSettings
from visionft.tasks.registry import spec_of

SETTING = "preprocess.mode"
MODES = ("crop", "pad", "squash")
"""Of equally good ones the first is taken."""
FAR = 2.0
"""How many times as long for its width as the input, or as wide, a photo is of which a crop shows half at most."""
SHARE = 0.1
"""Of such photos from which on the modes are compared."""
LOOKED_AT = 1000
MOST = {"train": 5000, "validation": 2000}
"""Photos that are compared on, beside those that the classes need."""
BESIDE = 2
"""How many times as many are too many for a choice that is made before anything is trained."""
BATCH = 64


@dataclass(frozen=True)
class Compared:
    """What the modes are worth on validation photos, before anything is trained.

    Attributes:
        mode: the best one.
        words: all of them with their figures, for people.
    """

    mode: str
    words: str


def choice(settings: FitSettings, network: Network, transform: Preprocess, manifest: Manifest, say: Say) -> Choice:
    """Choose `preprocess.mode`; the sizes and rates are resolved.

    Args:
        settings: resolved as far as the method's edit of the network.
        network: as it was created, on the processor; it is given back so.
        transform: of evaluation, with a centre crop.
        manifest: the photos.
        say: prints one line, where the modes were compared.
    """
    if settings.preprocess.mode != "auto":
        return Choice(SETTING, settings.preprocess.mode, "given")
    if settings.preprocess.crop_pct is not None:
        return Choice(SETTING, "crop", "--preprocess.crop-pct is given, the share that a crop keeps")
    share = far_share(manifest, transform.size)
    shown = f"{share:.0%} of the photos are at least {FAR:g} times as long for their width as the input, or as wide"
    if share < SHARE:
        return Choice(SETTING, "crop", f"{shown}; from {SHARE:.0%} on, the modes are compared")
    if network.source.kind == "none":
        return Choice(SETTING, "crop", f"{shown}, and nothing is pretrained to compare the modes by")
    about = _about(settings, network, transform, manifest)
    [made] = remembered("resize mode", about, lambda: [_measured(settings, network, manifest, shown)], say)
    say(f"{made.setting}: {made.value}; {made.reason}")
    return made


def far_share(manifest: Manifest, size: tuple[int, int]) -> float:
    """Return the share, in [0, 1], of training photos whose ratio of sides is `FAR` times that of `size` (H, W).

    At most `LOOKED_AT` of them are looked at, evenly from all; their headers say how large they are.
    """
    rows = manifest.rows("train")
    places = np.unique(np.linspace(0, len(rows) - 1, min(LOOKED_AT, len(rows))).astype(np.int64))
    wide = size[1] / size[0]
    far = []
    for place in places.tolist():
        try:
            height, width = size_of(contents(manifest.root / rows.paths[place]))
        except PhotoError:
            continue  # gone since it was checked: whoever needs its pixels says so
        far.append(max(width / height / wide, height * wide / width) >= FAR)
    return float(np.mean(far)) if far else 0.0


def _about(settings: FitSettings, network: Network, transform: Preprocess, manifest: Manifest) -> dict[str, Any]:
    """Return all that the comparison hangs on, as plain values."""
    optim = settings.optim
    return {
        "network": network.source.to_json(),
        "photos": manifest.fingerprint,
        "transform": transform.to_json(),
        "task": settings.task,
        "seed": settings.seed,
        "weighed": [optim.class_weights, optim.effective_beta, optim.logit_adjustment, optim.label_smoothing],
        "embedding": network.num_classes,
        "device": settings.hardware.device,
    }


def _measured(settings: FitSettings, network: Network, manifest: Manifest, shown: str) -> Choice:
    learning = learning_of(settings.task)
    rows = {split: _some(manifest.rows(split), learning, settings.seed, most) for split, most in MOST.items()}
    many = next((len(rows[split]) for split, most in MOST.items() if len(rows[split]) > BESIDE * most), 0)
    if many:
        words = f"{shown}; with some of every class {many:,} would be compared, which is too many"
        return Choice(SETTING, "crop", words)
    compared = compare(settings, network, manifest, rows)
    if compared is None:
        return Choice(SETTING, "crop", f"{shown}, but the backbone's features cannot tell which mode is better")
    return Choice(SETTING, compared.mode, f"{shown}; {compared.words}")


def compare(settings: FitSettings, network: Network, manifest: Manifest, rows: Mapping[str, Rows]) -> Compared | None:
    """Solve the task's head on frozen features of each mode and measure it on validation.

    Args:
        settings: of the fit.
        network: as of `choice`.
        manifest: the photos.
        rows: those to solve on, `train`, and to measure on, `validation`.

    Returns:
        None where features are not finite.
    """
    score = spec_of(settings.task).score
    found: dict[str, Figures] = {}
    with bar("crop, pad or squash") as advance:
        done = _Counter(len(MODES) * sum(map(len, rows.values())), advance)
        for mode in MODES:
            figures = _figures(settings, network, manifest, rows, mode, done)
            if figures is None:
                return None
            found[mode] = figures
    best = max(MODES, key=lambda mode: score.key(found[mode].score, found[mode].loss))
    listed = ", ".join(f"{mode} {score.brief(figures.score, named=False)}" for mode, figures in found.items())
    photos = f"{len(rows['validation']):,} validation photos"
    return Compared(best, f"{score.words} of a head solved on frozen features, on {photos}: {listed}")


def _some(rows: Rows, learning: Learning, seed: int, most: int) -> Rows:
    if len(rows) <= most:
        return rows
    return rows.take(covering(rows.labels, learning.sample(rows.labels, most, seed)[0]))


def covering(labels: NDArray[Any], chosen: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the chosen places, rising, with the first photo of each label that they lack: no head is solved without.

    Args:
        labels: (n,) or (n, K), a column for each head or label; of numbers none can lack.
        chosen: places among them.
    """
    if not np.issubdtype(labels.dtype, np.integer):
        return chosen
    places = [chosen]
    for column in labels.reshape(len(labels), -1).T:
        values, first = np.unique(column, return_index=True)
        places.append(first[~np.isin(values, column[chosen])])
    return np.unique(np.concatenate(places))


class _Counter:
    """Moves a bar by the photos that pass."""

    def __init__(self, total: int, advance: Advance) -> None:
        self.total, self.advance, self.done = total, advance, 0

    def passing(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        for batch in batches:
            yield batch
            self.done += len(batch[1])
            self.advance(self.done, self.total)


def _figures(
    settings: FitSettings, network: Network, manifest: Manifest, rows: Mapping[str, Rows], mode: str, done: _Counter
) -> Figures | None:
    preprocess = backbones.preprocess(network, settings.preprocess.model_copy(update={"mode": mode}))
    photos = {}
    for split, chosen in rows.items():
        features = _features(settings, network, EvalPhotos(chosen, manifest.root, preprocess), done)
        if not np.isfinite(features).all():
            return None
        photos[split] = Photos(features, chosen.labels, manifest.classes.names)
    learning = learning_of(settings.task)
    with torch.random.fork_rng(devices=[]):  # what a layer is born with shifts no number that comes later
        head = LinearHead(network.features, network.num_classes)
    solution = learning.solve(head, settings, photos["train"], photos["validation"], None)
    head.set_solution(torch.from_numpy(solution.weight), torch.from_numpy(solution.bias))
    criterion = learning.criterion(settings.model_copy(update={"loss": None}), manifest)
    return criterion.solved_figures(head, photos["validation"])


@full_precision()
def _features(settings: FitSettings, network: Network, dataset: EvalPhotos, done: _Counter) -> NDArray[np.float32]:
    device, order = settings.hardware.device, torch.channels_last if network.convolutional else torch.contiguous_format
    network.to(device).to(memory_format=order)
    try:
        batches = done.passing(eval_batches(dataset, BATCH, int(settings.hardware.workers)))
        answers = forward_batches(network, batches, dataset.preprocess, device=device, want=("features",))
    finally:
        network.to("cpu").to(memory_format=torch.contiguous_format)
    features: NDArray[np.float32] = answers["features"]
    return features
