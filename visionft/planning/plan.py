"""Everything that is decided before step 0: network, transform, resolved settings, what is measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from visionft import backbones, methods
from visionft.backbones import Network, WeightSource
from visionft.backbones.create import Outputs as HeadOutputs
from visionft.bundle.size_limits import too_large
from visionft.data import Manifest
from visionft.errors import WeightsError
from visionft.machine.arithmetic import same_threads
from visionft.machine.devices import pick_device
from visionft.machine.progress import Say
from visionft.planning import activation_memory, gradient_checkpointing, remembered_choices, resize_mode
from visionft.planning.auto import Facts, resolve_machine, resolve_training, solves_head
from visionft.planning.choices import Choice, open_ones, put
from visionft.planning.continue_from import Inheritance, choices_of
from visionft.planning.crop_sizes import crop, require_growable, require_one_size
from visionft.planning.decoded_cache import by_room, cache_choice
from visionft.planning.precision import measures, pace
from visionft.planning.teacher import Teacher
from visionft.preprocess import Preprocess
from visionft.runs import Run, layout
from visionft.runs.class_changes import Succession
from visionft.runs.learning import learning_of
from visionft.runs.lineage import Origin
from visionft.runs.own_loss import GivenLoss
from visionft.runs.run_files import read_record, read_settings
from visionft.settings import FitSettings
from visionft.settings.unused import obstructed
from visionft.tasks.registry import spec_of
from visionft.wording.lists import count
from visionft.wording.told import Told

LEARNS = ("learns from", "--distill")


@dataclass(frozen=True)
class Plan:
    """A run before its first step.

    Attributes:
        settings: resolved.
        choices: what was resolved, with reasons.
        network: with its starting weights, on the processor.
        source: where the weights came from, and their licence.
        preprocess: the evaluation transform.
        origin: the run that this one goes on from.
        succession: what becomes of that run's classes; only before the first checkpoint.
        teacher: the run that this one learns from.
        loss: of the caller's own, in the place of the task's.
    """

    settings: FitSettings
    choices: tuple[Choice, ...]
    network: Network
    source: WeightSource
    preprocess: Preprocess
    origin: Origin | None = None
    succession: Succession | None = None
    teacher: Teacher | None = None
    loss: GivenLoss | None = None

    @property
    def solves_head(self) -> bool:
        """The head is solved on features before anything is trained."""
        return solves_head(self.settings)

    @property
    def base(self) -> str:
        """What an adapter of this run lies over: the name of pretrained weights, or the folder of another run."""
        return self.origin.path if self.origin else self.source.name

    def schedule(self, steps_per_epoch: int) -> methods.Schedule:
        """Return what trains at which step, given how many batches of the plan's size the training photos make."""
        levels = backbones.depth_map(self.network).levels
        facts = methods.Facts(levels, steps_per_epoch, int(self.settings.epochs), self.solves_head)
        return methods.schedule(self.settings.method, self.settings.optim, facts)


def require_obtainable(wanted: FitSettings) -> None:
    """Refuse a device, backbone or weights that cannot be had: no photo has to be opened for that.

    What an earlier run brings is not looked for, nor what "auto" will become.

    Raises:
        UsageError: there is no such device.
        BackboneError, WeightsError: see `backbones.require_obtainable`.
    """
    pick_device(wanted.hardware.device)
    if wanted.from_run is None and wanted.backbone != "auto":
        backbones.require_obtainable(wanted.backbone, "hub" if wanted.weights == "auto" else wanted.weights)
    elif wanted.from_run is None and wanted.weights not in ("auto", "hub", "none"):
        backbones.require_obtainable(backbones.OFFLINE_BACKBONE, wanted.weights)


@same_threads()  # what is measured on the way takes those of the run
def make_plan(
    wanted: FitSettings,
    manifest: Manifest,
    say: Say,
    parent: Run | None = None,
    teacher_run: Run | None = None,
    processes: int = 1,
) -> Plan:
    """Build the network and resolve every "auto", saying each choice with its reason.

    Args:
        wanted: the settings as given.
        manifest: the photos.
        say: prints one line.
        parent: the run to go on from.
        teacher_run: the run that teaches.
        processes: of the fit on this machine.
    """
    teacher = Teacher(teacher_run, manifest.classes) if teacher_run else None
    inherited = Inheritance.of(parent, Origin.of(parent), manifest.classes, wanted) if parent else None
    taken = choices_of(wanted, parent) if parent else []
    read = open_ones(wanted, [Choice(*choice) for choice in manifest.reading.choices] if manifest.reading else [])
    if manifest.drawn_by_class and wanted.data.split_by != "class":
        read.append(Choice("data.split_by", "class", "the earlier run held whole classes out"))
    settings, machine = resolve_machine(put(wanted, [*taken, *read]), processes)
    torch.set_num_threads(int(settings.hardware.threads))
    settings, network, weights = _network(settings, wanted, manifest, say, inherited)
    if sentence := too_large(network.name, sum(tensor.nbytes for tensor in network.state_dict().values())):
        say(f"note: this run will evaluate and predict, but not export: {sentence}")
    transform = parent.preprocess if parent else backbones.preprocess(network, settings.preprocess)
    if teacher:
        teacher.require_shape(transform.size)
    facts = _facts(network, manifest, transform, inherited)
    settings, training = resolve_training(settings, facts)
    require_one_size(settings, facts.any_size, min(facts.input_size))
    require_growable(settings, facts.any_size)
    shaped = open_ones(settings, [] if parent else [resize_mode.choice(settings, network, transform, manifest, say)])
    settings = put(settings, shaped)
    transform = backbones.preprocess(network, settings.preprocess) if shaped else transform
    _edit(settings, network, say)
    gradient_checkpointing.prepare(settings, network, say)
    measured = open_ones(settings, _paced(settings, network, say))
    settings = put(settings, measured)
    kept = open_ones(settings, _kept(settings, manifest, views_of(settings, transform, teacher), say))
    settings = put(settings, kept)
    choices = (*taken, *machine, *weights, *training, *shaped, *measured, *kept)
    # A line of their own says where the weights come from.
    idle = {"weights", *obstructed(settings, [choice.setting for choice in choices])}
    _say_choices(settings, network, transform, [choice for choice in choices if choice.setting not in idle], say)
    choices = (*read, *choices)  # how the photos are read was said with them
    if teacher_run and teacher:
        say(f"teacher: {teacher_run}; it sees the same views, at {_spoken(teacher.size)} pixels")
    if inherited is None:
        say(f"weights: {network.source}")
        return Plan(settings, choices, network, network.source, transform, teacher=teacher)
    say(f"weights: of the run {inherited.parent.path}, which goes back to {network.source}")
    say(str(inherited.succession))
    return Plan(settings, choices, network, network.source, transform, inherited.origin, inherited.succession, teacher)


def _say_choices(
    settings: FitSettings, network: Network, transform: Preprocess, choices: Sequence[Choice], say: Say
) -> None:
    """Say what trains on what; and, to whom asks for it, each choice with its reason."""
    where = f"{settings.hardware.precision} on {settings.hardware.device}"
    what = f"{settings.method.name} on {network.name}, {_spoken(transform.size)} pixels, {where}"
    if not choices:
        say(what)
        return
    chosen = f"{what}; {count(len(choices), 'setting')} chosen"
    say(Told(f"{chosen}:", f"{chosen} (--verbose: which, and why)"))
    for choice in choices:
        say(Told(f"  {choice}"))


def _spoken(size: tuple[int, int]) -> str:
    return str(size[0]) if size[0] == size[1] else f"{size[0]} x {size[1]}"


def _paced(settings: FitSettings, network: Network, say: Say) -> Sequence[Choice]:
    if not measures(settings):
        return pace(settings, network)
    about = remembered_choices.of_step(settings, network)
    return remembered_choices.remembered("precision and micro-batch", about, lambda: pace(settings, network), say)


def _kept(settings: FitSettings, manifest: Manifest, size: tuple[int, int], say: Say) -> Sequence[Choice]:
    digests = manifest.rows("train").digests
    if settings.data.cache != "auto" or not by_room(settings):
        return [cache_choice(settings, digests, size)]
    about = remembered_choices.of_photos(settings, digests, size)
    return remembered_choices.remembered("decoded photos", about, lambda: [cache_choice(settings, digests, size)], say)


def views_of(settings: FitSettings, transform: Preprocess, teacher: Teacher | None) -> tuple[int, int]:
    """Return (H, W) of the training views: where a teacher sees them too, the larger one, and both shrink from it."""
    own = crop(settings, transform.size)
    return max(own, teacher.size, key=min) if teacher else own


def reopen_plan(folder: Path, wanted: FitSettings, manifest: Manifest) -> Plan:
    """Rebuild a run's start from its folder; the weights are those of the structure, to be loaded over.

    Raises:
        RunError: the run that teaches is gone or has changed.
    """
    settings = read_settings(folder / layout.SETTINGS)
    choices, source, origin, taught = read_record(folder / layout.CHOICES, _chosen)
    preprocess = read_record(folder / layout.PREPROCESS, Preprocess.from_json)
    network = backbones.structure(
        settings.backbone, outputs_of(settings, manifest), settings.head, size=preprocess.size, model=source.model,
        projects=spec_of(settings.task).projects,
    )  # fmt: skip
    methods.edit(network, settings.method, check=False)
    gradient_checkpointing.prepare(settings, network, lambda _: None)
    teacher = None
    if taught is not None:
        teacher = Teacher(taught.reopen(Path(wanted.distill or taught.path), *LEARNS), manifest.classes)
    return Plan(settings, choices, network, source, preprocess, origin, teacher=teacher)


def _chosen(record: dict[str, Any]) -> tuple[tuple[Choice, ...], WeightSource, Origin | None, Origin | None]:
    choices = tuple(Choice(**choice) for choice in record["choices"])
    earlier_runs = [Origin(**record[name]) if record.get(name) else None for name in ("origin", "teacher")]
    return choices, WeightSource(**record["weights"]), earlier_runs[0], earlier_runs[1]


def with_weights(plan: Plan, wanted: FitSettings, manifest: Manifest) -> Plan:
    """Load the starting weights again: the run was killed before its first checkpoint.

    Raises:
        RunError: they are those of another run, which is gone or has changed.
    """
    inherited = None
    if plan.origin is not None:
        parent = plan.origin.reopen(Path(wanted.from_run or plan.origin.path))
        inherited = Inheritance.of(parent, plan.origin, manifest.classes, wanted)
    network = (
        inherited.network(wanted.seed) if inherited else _create(plan.settings, outputs_of(plan.settings, manifest))
    )
    _edit(plan.settings, network, lambda _: None)
    gradient_checkpointing.prepare(plan.settings, network, lambda _: None)
    return replace(plan, network=network, succession=inherited.succession if inherited else None)


def _facts(network: Network, manifest: Manifest, transform: Preprocess, inherited: Inheritance | None) -> Facts:
    photos = sum(manifest.counts()["train"].values())
    classes = len(manifest.classes) or 1  # numbers have none
    if inherited is None:
        return Facts.of(network, photos, classes, transform.size, network.source.kind != "none")
    return Facts.of(network, photos, classes, transform.size, True, "grown" if inherited.grown else "kept")


def _network(
    settings: FitSettings, wanted: FitSettings, manifest: Manifest, say: Say, inherited: Inheritance | None
) -> tuple[FitSettings, Network, list[Choice]]:
    if inherited is not None:
        return settings, inherited.network(settings.seed), []
    outputs = outputs_of(settings, manifest)
    if settings.weights != "auto":
        return settings, _create(settings, outputs), []
    try:
        hub = [Choice("weights", "hub", "those that come with the backbone")]
        chosen = put(settings, hub)
        return chosen, _create(chosen, outputs), hub
    except WeightsError as error:
        if wanted.backbone != "auto":
            raise
        say(f"warning: {error}; now {backbones.OFFLINE_BACKBONE} is taken, which knows less")
    made = [
        Choice("weights", "hub", "those of the package: the hub does not answer"),
        Choice("backbone", backbones.OFFLINE_BACKBONE, "its pretrained weights are part of visionft"),
    ]
    chosen = put(settings, made)
    return chosen, _create(chosen, outputs), made


def outputs_of(settings: FitSettings, manifest: Manifest) -> HeadOutputs:
    """Return the numbers that the head answers with, or what makes them of the backbone's features."""
    return learning_of(settings.task).outputs(manifest.classes, settings)


def _create(settings: FitSettings, outputs: HeadOutputs) -> Network:
    torch.manual_seed(settings.seed)
    return backbones.create(
        settings.backbone, settings.weights, outputs, settings.head,
        size=settings.preprocess.sides, projects=spec_of(settings.task).projects,
    )  # fmt: skip


def _edit(settings: FitSettings, network: Network, say: Say) -> None:
    if methods.added(network):
        say(f"{settings.method.name}: going on with what the earlier run added")
        return
    torch.manual_seed(settings.seed)
    with activation_memory.compared(settings, network, say):
        done = methods.edit(network, settings.method)
        if done is not None:
            say(f"{settings.method.name}: {done.sentence}")
