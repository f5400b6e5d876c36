"""What a run takes over from the one that it goes on from: network, transform, rows of the head, sides of photos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import torch

from visionft import backbones
from visionft.backbones import Network, WeightSource
from visionft.classes import Classes
from visionft.data import SPLITS, Manifest, read_splits
from visionft.data.splitting.draw import earlier_sides
from visionft.errors import UsageError
from visionft.machine.progress import Say
from visionft.planning.choices import Choice, value_of
from visionft.runs import Run, layout
from visionft.runs.class_changes import Succession, require_known, succeed
from visionft.runs.learning import head_rows, learning_of
from visionft.runs.lineage import Origin, lineage
from visionft.runs.run_files import read_settings, recorded, verified_table
from visionft.settings import AdapterMethod, FitSettings, PromptMethod, PrototypesMethod
from visionft.tasks.registry import require, spec_of
from visionft.wording.lists import count

TAKEN = ("backbone", "weights", "head", "preprocess.size", "preprocess.mode", "preprocess.crop_pct")
"""Settings that are the earlier run's."""
PROJECTED = "embedding.size"
"""Is the earlier run's too, where its head is a projection."""


@dataclass(frozen=True)
class Inheritance:
    """An earlier run, seen from the classes of new photos.

    Attributes:
        parent: the run.
        origin: its description for the record.
        succession: which class keeps which row of the head.
        parts: rows of each part of the head.
    """

    parent: Run
    origin: Origin
    succession: Succession
    parts: tuple[int, ...]

    @classmethod
    def of(cls, parent: Run, origin: Origin, classes: Classes, settings: FitSettings) -> Inheritance:
        """Match the run's classes with those of the photos; UsageError where a renaming does not fit."""
        before, after = (head_rows(parent.task, names) for names in (parent.classes, classes))
        outputs = learning_of(parent.task).outputs(classes, settings)
        return cls(parent, origin, succeed(before, after, settings.classes.rename), backbones.parts_of(outputs))

    @property
    def grown(self) -> bool:
        """Whether the head has something to learn: rows of new classes, or a projection, which all classes share."""
        return bool(self.succession.new_rows) or spec_of(self.parent.task).projects

    def network(self, seed: int) -> Network:
        """Return the run's final network, additions included, under a head for the new classes; on the processor."""
        network = self.parent.network()
        network.source = WeightSource(**self.parent.weights_source)
        torch.manual_seed(seed)
        if not network.projects:
            backbones.regrow(network, self.parent.settings.head, self.succession.rows, self.parts)
        return network


def refuse_itself(wanted: FitSettings, folder: Path) -> None:
    """Raise UsageError where a run would go on from its own folder, or be taught by it."""
    for flag, run in (("--from", wanted.from_run), ("--distill", wanted.distill)):
        if run is not None and run.absolute() == folder.absolute():
            raise UsageError(f"{flag} and --out are both {folder}; give another --out")


def parent_of(wanted: FitSettings) -> Run | None:
    """Open the run to go on from, if one is named.

    Raises:
        RunError: there is no finished run.
        UsageError: the settings want something else than that run can give.
    """
    if wanted.from_run is None:
        if wanted.classes.rename:
            raise UsageError(
                "--classes.rename renames classes of an earlier run and none is given; give it with --from, "
                "or leave --classes.rename out"
            )
        return None
    parent = Run.open(wanted.from_run)
    require(parent.task, "from", f"--from {wanted.from_run}", "give a run that answers with classes, or leave it out")
    if parent.task != wanted.task:
        raise UsageError(
            f"--from {wanted.from_run} is a run of the task {parent.task}, and --task is {wanted.task}; give --task "
            f"{parent.task}, or leave --from out"
        )
    for name in _taken(parent):
        _refuse_other(wanted, parent, name)
    _refuse_method(wanted, parent)
    require_known(head_rows(parent.task, parent.classes), wanted.classes.rename)
    return parent


def splits_of(wanted: FitSettings, earlier_runs: Sequence[Run], say: Say) -> Path | pa.Table | None:
    """Return what decides sides: splits of earlier runs and of those before them, unless the settings name some.

    Args:
        wanted: the settings as given.
        earlier_runs: the run to go on from and the one that teaches; where two disagree on a photo, the first decides.
        say: prints one line.

    Raises:
        RunError: the splits are a run's, and not as they were written.
    """
    if wanted.data.splits is not None and recorded(wanted.data.splits):
        return verified_table(wanted.data.splits)
    if not earlier_runs or wanted.data.splits is not None:
        return wanted.data.splits
    paths = []
    for earlier in earlier_runs:
        say(f"photos that {earlier.path} had keep their sides, unless the new ones bring splits of their own")
        known, gone = lineage(earlier)
        if gone:
            say(f"note: {gone}, further back, is gone: photos that it was trained on may be drawn for test")
        paths += known
    return _photos_of(paths)


def holds_classes_out(wanted: FitSettings, parent: Run | None) -> bool:
    """Tell whether the run whose sides are kept, or one before it, held whole classes out: new photos follow theirs.

    Raises:
        RunError: the settings of such a run are damaged.
    """
    if not spec_of(wanted.task).projects:
        return False
    if wanted.data.splits is not None:
        runs = [wanted.data.splits.parent] if recorded(wanted.data.splits) else []
    else:
        runs = [] if parent is None else lineage(parent)[0]
    return any(read_settings(run / layout.SETTINGS).data.split_by == "class" for run in runs)


def say_what_was_seen(parent: Run, manifest: Manifest, say: Say) -> None:
    """Warn of test photos that the earlier run, or one before it, was trained on."""
    table = manifest.table.filter(pc.equal(manifest.table["split"], "test"))
    before = earlier_sides(table, _photos_of(lineage(parent)[0]))
    if seen := int((before == SPLITS.index("train")).sum()):
        say(
            f"warning: {parent.path} was trained on {count(seen, 'photo')} of the {len(before):,} in test, "
            "or on others of their products: figures on test flatter the model"
        )


def _photos_of(runs: list[Path]) -> pa.Table:
    return pa.concat_tables([read_splits(verified_table(path / layout.SPLITS)) for path in runs])


def choices_of(wanted: FitSettings, parent: Run) -> list[Choice]:
    """Return the settings that are the earlier run's and not already the wanted ones."""
    reason = f"of the run {parent.path}"
    offered = [Choice(name, value_of(parent.settings, name), reason) for name in _taken(parent)]
    return [choice for choice in offered if value_of(wanted, choice.setting) != choice.value]


def _taken(parent: Run) -> tuple[str, ...]:
    return (*TAKEN, PROJECTED) if spec_of(parent.task).projects else TAKEN


def _refuse_other(wanted: FitSettings, parent: Run, name: str) -> None:
    """Raise UsageError where a setting was named that the earlier run has otherwise."""
    *path, last = name.split(".")
    node = value_of(wanted, path[0]) if path else wanted
    given, own = value_of(wanted, name), value_of(parent.settings, name)
    if name == "weights" or last not in node.model_fields_set or given in ("auto", own):
        return  # weights are not looked at
    if name == "preprocess.size":
        height, width = parent.preprocess.size  # the setting is unset where it was the weights' own
        own = height if height == width else f"{height}x{width}"
    same = backbones.same_backbone(given, own) if name == "backbone" else given in (None, own)
    if not same:
        raise UsageError(
            f"--{name.replace('_', '-')} is {given}, and the run {parent.path} to go on from has {own}; leave it out"
        )


def _refuse_method(wanted: FitSettings, parent: Run) -> None:
    """Raise UsageError where the run carries additions that only its own method can go on with."""
    own = parent.settings.method
    if isinstance(wanted.method, PrototypesMethod) and parent.settings.head != "linear":
        raise UsageError(
            f"--method prototypes makes a linear head, and the run {parent.path} to go on from has a "
            f"{parent.settings.head} one; give a run with --head linear, or leave --from out"
        )
    if not isinstance(own, AdapterMethod | PromptMethod):
        return
    exempt = {"head_first"}
    if wanted.method.model_dump(exclude=exempt) == own.model_dump(exclude=exempt):
        return
    default = type(own)().model_dump()
    flags = [
        f" --method.{name.replace('_', '-')} {str(value).lower()}"
        for name, value in own.model_dump(exclude=exempt).items()
        if value != default[name]
    ]
    raise UsageError(
        f"the run {parent.path} carries what --method {own.name} added, and only the same method goes on with it; "
        f"give --method {own.name}{''.join(flags)}, with --epochs 0 for the head alone"
    )
