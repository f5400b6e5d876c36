"""What frozen features are worth, nothing trained: nearest neighbours and logistic regression on validation photos."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from visionft.data import Manifest
from visionft.machine.arithmetic import threads
from visionft.machine.memory import keep_freed_memory, peak_memory
from visionft.machine.progress import Advance
from visionft.metrics import knn_accuracy, wilson
from visionft.planning.plan import Plan, make_plan
from visionft.runs.criterion import Photos
from visionft.settings import FitSettings
from visionft.training import class_balance, frozen_features, linear_probe
from visionft.training.linear_probe import Probe

NEIGHBOURS = 20  # of arXiv 2104.14294; their votes weigh by similarity


@dataclass(frozen=True)
class FirstLook:
    """What is known before anything is trained.

    Attributes:
        backbone: resolved name.
        weights: where they come from, with their licence.
        device: "cpu" or "cuda".
        classes: C.
        photos: for training.
        photos_a_class: the median of the training photos of a class.
        held_out: validation photos, on which both accuracies were found.
        neighbours: k.
        knn_top1: accuracy of the k nearest training photos, in [0, 1].
        probe_top1: accuracy of the solved head, in [0, 1]; its regularisation was chosen on the same photos.
        seconds: for all features and both answers.
        images_per_second: photos through the frozen backbone.
        peak_memory: of the process in bytes; on a GPU of the device's memory.
        head_parameters: of a linear head.
        parameters: of the whole network.
        stored_bytes: of all weights.
    """

    backbone: str
    weights: str
    device: str
    classes: int
    photos: int
    photos_a_class: float
    held_out: int
    neighbours: int
    knn_top1: float
    probe_top1: float
    seconds: float
    images_per_second: float
    peak_memory: int
    head_parameters: int
    parameters: int
    stored_bytes: int

    def interval(self, top1: float) -> tuple[float, float]:
        """Return the 95 % interval of an accuracy on the validation photos (Wilson)."""
        ends = wilson(round(top1 * self.held_out), self.held_out)
        assert ends is not None  # there is no manifest without validation photos
        return ends


def look(settings: FitSettings, manifest: Manifest, *, advance: Advance) -> FirstLook:
    """Compute the features that a fit's solved head would see, and answer the validation photos in two ways.

    Args:
        settings: as wanted, with a method that solves a linear head alone.
        manifest: of which the test photos are left alone.
        advance: receives (photos done, photos in all).
    """
    keep_freed_memory()
    plan = make_plan(settings, manifest, lambda _: None)
    began = time.monotonic()
    with threads(int(plan.settings.hardware.threads)):
        train, held_out = _features(plan, manifest, advance)
        photos = len(train.labels) + len(held_out.labels)
        rate = photos / (time.monotonic() - began)
        k, knn, probe = _answers(train, held_out, _weights(train, plan, len(manifest.classes)))
    network = plan.network
    state = network.state_dict().values()
    return FirstLook(
        backbone=plan.settings.backbone,
        weights=str(plan.source),
        device=plan.settings.hardware.device,
        classes=len(manifest.classes),
        photos=len(train.labels),
        photos_a_class=float(np.median(np.bincount(train.labels, minlength=len(manifest.classes)))),
        held_out=len(held_out.labels),
        neighbours=k,
        knn_top1=knn,
        probe_top1=probe.chosen.top1,
        seconds=time.monotonic() - began,
        images_per_second=rate,
        peak_memory=peak_memory(plan.settings.hardware.device),
        head_parameters=sum(parameter.numel() for parameter in network.head.parameters()),
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        stored_bytes=sum(tensor.numel() * tensor.element_size() for tensor in state),
    )


def _weights(train: Photos, plan: Plan, classes: int) -> NDArray[np.float64] | None:
    counts = np.bincount(train.labels, minlength=classes).tolist()
    return class_balance.solving_weights(plan.settings, counts)


def neighbours(labels: NDArray[np.int64]) -> int:
    """Return how many neighbours vote: 20, or fewer where half of the classes have not that many photos.

    Args:
        labels: class indices (n,) of the gallery, n at least 1.
    """
    counts = np.bincount(labels)
    return int(np.clip(np.median(counts[counts > 0]), 1, NEIGHBOURS))


def _features(plan: Plan, manifest: Manifest, advance: Advance) -> tuple[Photos, Photos]:
    sizes = {split: len(manifest.rows(split)) for split in ("train", "validation")}

    def moved(before: int) -> Callable[[int, int], None]:
        return lambda done, _: advance(before + done, sum(sizes.values()))

    network, preprocess, settings = plan.network, plan.preprocess, plan.settings
    return (
        frozen_features.compute(network, manifest, "train", preprocess, settings, moved(0)),
        frozen_features.compute(network, manifest, "validation", preprocess, settings, moved(sizes["train"])),
    )


def _answers(train: Photos, held_out: Photos, weights: NDArray[np.floating] | None) -> tuple[int, float, Probe]:
    k = neighbours(train.labels)
    knn = knn_accuracy(train.features, train.labels, held_out.features, held_out.labels, k).accuracy
    probe = linear_probe.solve(train.features, train.labels, held_out.features, held_out.labels, weights=weights)
    return k, knn, probe
