"""A further class for a run of prototypes, from a few photos: one row of the head, and the figures anew."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from visionft.backbones import Network, PrototypeHead, regrow
from visionft.classes import Classes
from visionft.errors import RunError, UsageError
from visionft.machine.arithmetic import full_precision
from visionft.machine.memory import peak_memory
from visionft.methods.prototypes import Space
from visionft.metrics import class_means, evaluate_logits, unit
from visionft.runs import Run, layout
from visionft.runs.atomic_write import require_space, seal, write_json, write_text
from visionft.runs.calibration_file import Calibration
from visionft.runs.class_changes import succeed
from visionft.runs.finished_folder import copy_file, placed
from visionft.runs.held_out_file import read_held_out, write_held_out
from visionft.runs.weights_file import write_weights
from visionft.settings import PrototypesMethod, to_yaml
from visionft.wording.lists import count

COPIED = layout.RECORDS - {layout.SETTINGS, layout.CLASSES} | {layout.METRICS}


@dataclass(frozen=True)
class Addition:
    """A class that was added to a run.

    Attributes:
        name: of the class.
        photos: that its prototype is the mean of.
        found: of them, those that are answered with the class by the mean of the others; none of a single photo.
        top1_before: on validation, in [0, 1], before it came.
        top1: on the same photos, of the other classes, with it.
        digests: SHA-256 of the photos' bytes, as far as they are files: an evaluation tells which photos it knows.
    """

    name: str
    photos: int
    found: int | None
    top1_before: float
    top1: float
    digests: tuple[str, ...] = ()

    def __str__(self) -> str:
        alone = "one photo says nothing of how surely it is found"
        left = f"{self.found} of its {self.photos} photos are answered with it when each is left out of it in turn"
        return (
            f"{self.name}: {count(self.photos, 'photo')}; {alone if self.found is None else left}. On validation "
            f"photos of the other classes top-1 is {self.top1:.2%}, and was {self.top1_before:.2%}"
        )


def require_prototypes(run: Run, name: str, out: Path) -> None:
    """Refuse, before a photo is opened, a run to which a class cannot be added.

    Raises:
        UsageError: its head has no prototypes, or it has the class.
        RunError: something is at `out`.
    """
    if not isinstance(run.settings.method, PrototypesMethod):
        raise UsageError(
            f"{run.path} is a run of --method {run.settings.method.name}, and a class is added to prototypes; make "
            f"them first with `visionft fit PHOTOS --method prototypes --from {run.path}`"
        )
    if name in run.classes:
        raise UsageError(f"--name: the run {run.path} has the class {name!r} already; give another name")
    try:
        Classes.of([*run.classes, name])
    except ValueError as error:
        raise UsageError(f"--name: {error}") from error
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise RunError(f"{out} exists, and is left as it is; give another --out")


@full_precision()
def add_prototype(
    run: Run, name: str, features: NDArray[np.float32], out: Path, digests: Sequence[str] = ()
) -> tuple[Run, Addition]:
    """Write a new run that knows a class more; the rows of all others are the same bit for bit.

    Args:
        run: as `require_prototypes` lets pass.
        name: of the class.
        features: (k, D) of its photos, as the head gets them.
        out: the new run's folder.
        digests: SHA-256 of its photos' bytes, where they are known.
    """
    began = time.monotonic()
    classes = Classes.of([*run.classes, name])
    network = run.network()
    require_space(out, 3 * sum(tensor.nbytes for tensor in network.state_dict().values()), "this run")
    regrow(network, run.settings.head, succeed(run.classes, classes, None).rows)
    place = classes.index(name)
    space = _set_row(network, place, features)
    held, labels = read_held_out(run.path)
    labels = labels + (labels >= place)
    calibration = _calibrated(run, place, unit(features), _logits(network, held), unit(held), labels)
    val = evaluate_logits(
        _logits(network, held), labels, list(classes), temperature=calibration.temperature.temperature
    )
    found = _left_out(network, space, place, features)
    before = float((np.delete(_logits(network, held), place, 1).argmax(1) == labels - (labels > place)).mean())
    addition = Addition(name, len(features), found, before, val.top1, tuple(digests))
    result = {
        **run.result,
        "val": val.to_json(),
        "verdict": str(addition),
        "seconds": time.monotonic() - began,
        "peak_memory_mb": peak_memory("cpu") / 1e6,
        "added_classes": [*run.added_classes, asdict(addition)],
    }
    _write(run, out, classes, network, calibration, result, (held, labels))
    return Run.open(out), addition


def _set_row(network: Network, place: int, features: NDArray[np.float32]) -> Space:
    head = network.head
    assert isinstance(head, PrototypeHead)  # a run of prototypes
    space = Space.of(head)
    weight, bias = space.rows(features.mean(axis=0, dtype=np.float64)[None], np.array([len(features)]))
    with torch.no_grad():
        head.weight[place], head.bias[place] = torch.from_numpy(weight[0]), float(bias[0])
    return space


def _logits(network: Network, features: NDArray[np.float32]) -> NDArray[np.float32]:
    with torch.inference_mode():
        answered: NDArray[np.float32] = network.head(torch.from_numpy(features)).numpy()
    return answered


def _left_out(network: Network, space: Space, place: int, features: NDArray[np.float32]) -> int | None:
    """Return how many photos (k, D) of the class are answered with it by the mean of the others."""
    k = len(features)
    if k < 2:
        return None
    logits = _logits(network, features)
    sums = features.sum(axis=0, dtype=np.float64)
    weight, bias = space.rows((sums - features) / (k - 1), np.full(k, k - 1))
    logits[:, place] = np.einsum("kd,kd->k", features, weight) + bias
    return int((logits.argmax(axis=1) == place).sum())


def _calibrated(
    run: Run,
    place: int,
    embeddings: NDArray[np.float32],
    logits: NDArray[np.float32],
    held: NDArray[np.float32],
    labels: NDArray[np.int64],
) -> Calibration:
    """Fit the temperature and the known score anew, with the mean direction of the new class among the others."""
    before = Calibration.read(run.path).scale.means
    assert before is not None, "a run has class means, or no calibration"
    own = class_means(embeddings, np.zeros(len(embeddings), np.int64), 1)[0]
    return Calibration.fit(logits, held, labels, np.insert(before, place, own, axis=0))


def _write(
    run: Run,
    out: Path,
    classes: Classes,
    network: Network,
    calibration: Calibration,
    result: dict[str, Any],
    held_out: tuple[NDArray[np.float32], NDArray[np.int64]],
) -> None:
    with placed(out) as folder:
        for name in sorted(COPIED):
            copy_file(run.path / name, folder / name)
        write_json(folder / layout.CLASSES, {"names": list(classes), "hash": classes.hash})
        write_text(folder / layout.SETTINGS, to_yaml(run.settings.model_copy(update={"out": out})))
        write_weights(folder / layout.WEIGHTS, network)
        calibration.write(folder)
        write_held_out(folder, *held_out)
        write_json(folder / layout.RESULT, result)
        seal(folder)
