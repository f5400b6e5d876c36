"""Everything that is decided before step 0: network, transform, resolved settings, what is measured."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import torch

from visionft import backbones, methods
from visionft.backbones import Network, WeightSource
from visionft.data import Manifest
from visionft.errors import WeightsError
from visionft.preprocess import Preprocess
from visionft.runs import layout
from visionft.runs.reading import read_json
from visionft.settings import FitSettings, from_yaml
from visionft.training import activations
from visionft.training.choices import Choice, put
from visionft.training.hardware import cpu_has_bf16
from visionft.training.measuring import WORTH_IT, fitting_micro_batch, seconds_per_photo
from visionft.training.progress import Say
from visionft.training.resolving import Facts, batch_norms, resolve_machine, resolve_training, solves_head

CPU_MICRO_BATCH = 8  # benchmarks/micro_batch.py: larger buffers go back to the kernel after each use
DTYPES = {"fp32": None, "bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True)
class Prepared:
    """A run before its first step.

    Attributes:
        settings: resolved.
        choices: what was resolved, with reasons.
        network: with its starting weights, on the processor.
        source: where the weights came from, and their licence.
        preprocess: the evaluation transform.
    """

    settings: FitSettings
    choices: tuple[Choice, ...]
    network: Network
    source: WeightSource
    preprocess: Preprocess

    @property
    def solves_head(self) -> bool:
        """The head is solved on features before anything is trained."""
        return solves_head(self.settings)


def prepare(wanted: FitSettings, manifest: Manifest, say: Say) -> Prepared:
    """Build the network and resolve every "auto", saying each choice with its reason."""
    settings, machine = resolve_machine(wanted)
    torch.set_num_threads(int(settings.hardware.threads))
    settings, network, weights = _network(settings, wanted, manifest, say)
    transform = backbones.preprocess(network, settings.preprocess)
    pretrained = network.source.kind != "none"
    counts = manifest.counts()["train"]
    facts = Facts.of(network, sum(counts.values()), len(manifest.classes), transform.size, pretrained)
    settings, training = resolve_training(settings, facts)
    _edit(settings, network, say)
    settings, measured = _measure(settings, network)
    choices = (*machine, *weights, *training, *measured)
    for choice in choices:
        say(f"  {choice}")
    say(f"weights: {network.source}")
    return Prepared(settings, choices, network, network.source, transform)


def reopen(folder: Path, manifest: Manifest) -> Prepared:
    """Rebuild a run's start from its folder; the weights are those of the structure, to be loaded over."""
    settings = from_yaml(folder / layout.SETTINGS)
    record = read_json(folder / layout.CHOICES)
    preprocess = Preprocess.from_json(read_json(folder / layout.PREPROCESS))
    network = backbones.structure(settings.backbone, len(manifest.classes), settings.head, size=preprocess.size[0])
    methods.edit(network, settings.method, check=False)
    choices = tuple(Choice(**choice) for choice in record["choices"])
    return Prepared(settings, choices, network, WeightSource(**record["weights"]), preprocess)


def with_weights(prepared: Prepared) -> Prepared:
    """Load the starting weights again: the run was killed before its first checkpoint."""
    network = _create(prepared.settings, prepared.network.num_classes)
    methods.edit(network, prepared.settings.method)
    return replace(prepared, network=network)


def _network(
    settings: FitSettings, wanted: FitSettings, manifest: Manifest, say: Say
) -> tuple[FitSettings, Network, list[Choice]]:
    classes = len(manifest.classes)
    if settings.weights != "auto":
        return settings, _create(settings, classes), []
    try:
        hub = [Choice("weights", "hub", "timm's pretrained weights")]
        chosen = put(settings, hub)
        return chosen, _create(chosen, classes), hub
    except WeightsError as error:
        if wanted.backbone != "auto":
            raise
        say(
            f"warning: {error}; the small backbone {backbones.SCRATCH_BACKBONE} is trained from scratch instead, "
            "which learns far less"
        )
    made = [
        Choice("weights", "none", "the hub does not answer"),
        Choice("backbone", backbones.SCRATCH_BACKBONE, "small enough to learn from scratch"),
    ]
    chosen = put(settings, made)
    return chosen, _create(chosen, classes), made


def _create(settings: FitSettings, classes: int) -> Network:
    torch.manual_seed(settings.seed)
    return backbones.create(settings.backbone, settings.weights, classes, settings.head, size=settings.preprocess.size)


def _edit(settings: FitSettings, network: Network, say: Say) -> None:
    torch.manual_seed(settings.seed)
    with activations.compared(settings, network, say):
        done = methods.edit(network, settings.method)
        if done is not None:
            say(f"{settings.method.name}: {done.sentence}")


def _measure(settings: FitSettings, network: Network) -> tuple[FitSettings, list[Choice]]:
    """Choose precision and micro-batch by trying them."""
    made: list[Choice] = []
    if settings.hardware.precision == "auto":
        made.append(_precision(settings, network))
        settings = put(settings, made)
    if settings.optim.micro_batch == "auto":
        made.append(_micro_batch(settings, network))
        settings = put(settings, made[-1:])
    return settings, made


def _micro_batch(settings: FitSettings, network: Network) -> Choice:
    batch, side = int(settings.optim.batch_size), int(settings.augment.size)
    if settings.hardware.device == "cuda" and settings.epochs:
        dtype = DTYPES[settings.hardware.precision]
        channels_last = bool(settings.hardware.channels_last)
        fits = fitting_micro_batch(network, (side, side), batch, "cuda", dtype, channels_last)
        return Choice("optim.micro_batch", fits, "the largest that fits the GPU's memory")
    if settings.optim.norm_statistics == "batch" and batch_norms(network):
        return Choice("optim.micro_batch", batch, "batch norms see the whole batch")
    return Choice(
        "optim.micro_batch", min(batch, CPU_MICRO_BATCH), "small pieces stay near the processor; same gradient"
    )


def _precision(settings: FitSettings, network: Network) -> Choice:
    if not settings.epochs:
        return Choice("hardware.precision", "fp32", "nothing is trained by epochs")
    if settings.hardware.device == "cuda":
        if torch.cuda.is_bf16_supported(including_emulation=False):
            return Choice("hardware.precision", "bf16", "the GPU has it")
        return Choice("hardware.precision", "fp16", "the GPU has no bf16")
    if not cpu_has_bf16():
        return Choice("hardware.precision", "fp32", "the processor has no native bf16")
    side = int(settings.augment.size)
    times = seconds_per_photo(
        network, (side, side), 8, "cpu", [None, torch.bfloat16], bool(settings.hardware.channels_last)
    )
    gain = times[None] / times[torch.bfloat16]
    return Choice(
        "hardware.precision",
        "bf16" if gain >= WORTH_IT else "fp32",
        f"a bf16 step was measured {gain:.2f} times as fast as fp32 here",
    )
