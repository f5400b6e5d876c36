"""The steps of a fit that is not run: how many bytes live in them, and what is done, for any number of photos."""

from __future__ import annotations

from dataclasses import dataclass

from visionft import backbones, methods
from visionft.advising.fake_step import FakeTraining, edit, meta_network
from visionft.advising.live_bytes import Line
from visionft.backbones import Network
from visionft.data import Manifest, steps_per_epoch
from visionft.machine.gpu_cards import Card, with_memory
from visionft.planning.auto import Facts, resolve_training, solves_head
from visionft.planning.choices import Choice, open_ones, put
from visionft.planning.crop_sizes import require_one_size
from visionft.preprocess import Preprocess
from visionft.runs.learning import learning_of
from visionft.runs.own_loss import criterion_of
from visionft.settings import FitSettings
from visionft.training import validation_cache

CONTEXT = 1.0e9
"""Bytes that are kept for CUDA itself: its context, kernels, and the workspaces of cuBLAS and cuDNN."""
SLACK = 0.1
"""Share of the rest that is kept for what the allocator holds in pieces that nothing fits into."""
SAMPLES = (2, 4)
"""Photos of the two courses from which those of all others follow."""


@dataclass(frozen=True)
class Asked:
    """What is asked about.

    Attributes:
        settings: as wanted, with device and backbone resolved.
        manifest: the photos.
        card: where it would run.
        precision: "fp32", "bf16" or "fp16".
    """

    settings: FitSettings
    manifest: Manifest
    card: Card
    precision: str

    @property
    def room(self) -> float:
        """Bytes for tensors."""
        return (self.card.memory - CONTEXT) * (1 - SLACK)

    @property
    def cards(self) -> list[Card]:
        """Those whose time is told."""
        return [self.card] if self.card.bandwidth else with_memory(self.card)


def ready(asked: Asked, wanted: FitSettings, *, checkpointing: bool) -> tuple[FitSettings, Network, Preprocess]:
    """Return resolved settings, the network of their method on the meta device, and its transform.

    Raises:
        BackboneError, UsageError: the backbone cannot do what is wanted.
    """
    classes = asked.manifest.classes
    network = meta_network(wanted, learning_of(wanted.task).outputs(classes, wanted))
    transform = backbones.preprocess(network, wanted.preprocess)
    photos = len(asked.manifest.rows("train"))
    facts = Facts.of(network, photos, len(classes) or 1, transform.size, wanted.weights != "none")
    settings, _ = resolve_training(wanted, facts)
    require_one_size(settings, facts.any_size, min(facts.input_size))
    offered = [Choice("optim.micro_batch", settings.optim.batch_size, "whole")]
    settings = put(settings, open_ones(settings, offered))
    edit(settings, network, checkpointing or settings.hardware.gradient_checkpointing)
    return settings, network, transform


class Steps:
    """The steps of one fit, for any number of photos in a pass."""

    def __init__(self, asked: Asked, settings: FitSettings, network: Network, transform: Preprocess) -> None:
        self.asked, self.settings = asked, settings
        self.batch = int(settings.optim.batch_size)
        photos = len(asked.manifest.rows("train"))
        levels = backbones.depth_map(network).levels
        facts = methods.Facts(levels, steps_per_epoch(photos, self.batch), int(settings.epochs), solves_head(settings))
        self.schedule = methods.schedule(settings.method, settings.optim, facts)
        most = min(self.schedule.stretches, key=lambda stretch: stretch.lowest)
        criterion = criterion_of(settings, asked.manifest)
        self.training = FakeTraining(
            settings, network, transform, self.schedule, criterion, asked.precision, most.start
        )
        self.trained = sum(p.numel() for p in network.parameters() if p.requires_grad)
        self._lines: dict[bool, Line] = {}
        self.validation = Line(*(self.training.validation(photos) for photos in SAMPLES))

    def line(self, *, further: bool) -> Line:
        """Return the course of a pass, alone or behind others of its batch."""
        if further not in self._lines:
            self._lines[further] = Line(*(self.training.step(photos, further=further) for photos in SAMPLES))
        return self._lines[further]

    def peak(self, photos: int) -> int:
        """Return the bytes of tensors of a fit whose passes have so many photos, its validation included."""
        return max(self.step_peak(photos), self.validation.peak(validation_cache.BATCH))

    def step_peak(self, photos: int) -> int:
        """Return the bytes of tensors of an optimizer step whose passes have so many photos."""
        height, width = self.training.size
        waiting = max(0, self.batch - photos) * 3 * height * width * (1 + 4)  # uint8, and as the network takes them
        return self.line(further=photos < self.batch).peak(photos) + waiting
