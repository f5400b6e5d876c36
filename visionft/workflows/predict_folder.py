"""Answers into a folder, as they come: in this process, or by the workers of a Ray cluster."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from visionft.bundle import Bundle
from visionft.bundle.answers import answers_of
from visionft.bundle.predictions import WRITERS
from visionft.errors import MissingExtraError, UsageError
from visionft.workflows.run_or_bundle import holds_bundle, place_of, refuse_adapter, run_at

if TYPE_CHECKING:
    from visionft.bundle.prediction_folder import PredictionFolder
    from visionft.bundle.prediction_shards import Shards, Subject
    from visionft.photos import Entry
    from visionft.serving.answerer import Answerer

Progress = Callable[[int, int], None]
Opening = Callable[[], AbstractContextManager["Answerer"]]
ENGINES = ("local", "ray")
CLIENT = "ray://"


def is_folder(out: str | Path) -> bool:
    """Tell by its name whether answers go into a folder: it has no ending, or is there already."""
    place = Path(out)
    return place.suffix.lower() not in WRITERS and (not place.suffix or place.is_dir())


@dataclass(frozen=True)
class Engine:
    """Where photos are answered.

    Attributes:
        ray: by the workers of a Ray cluster, else in this process.
        address: of the cluster; None: that of $RAY_ADDRESS, else one is started.
        workers: how many; None: one for each core.
    """

    ray: bool
    address: str | None
    workers: int | None

    @classmethod
    def of(cls, name: str, address: str | None, workers: int | None) -> Engine:
        """Read the settings; UsageError where one cannot be, or has no effect, MissingExtraError where ray is not."""
        if name not in ENGINES:
            raise UsageError(f"there is no engine {name!r}; give {' or '.join(ENGINES)}")
        for flag, value in {"--engine-address": address, "--engine-workers": workers}.items():
            if value is not None and name != "ray":
                raise UsageError(f"{flag} {value} has no effect without --engine ray: give both, or none")
        if workers is not None and workers < 1:
            raise UsageError(f"--engine-workers: {workers} is less than 1; give a whole number from 1")
        if address is not None and address.startswith(CLIENT):
            raise UsageError(
                f"--engine-address: {address} is of Ray's client, which cannot carry photos' answers; run the command "
                "on a machine of the cluster, with --engine-address auto"
            )
        if name == "ray" and find_spec("ray") is None:
            raise MissingExtraError('--engine ray needs ray, not installed here: pip install "visionft[ray]"')
        return cls(name == "ray", address, workers)

    def require(self, out: str | Path | None, resume: bool) -> None:
        """Raise UsageError where answers go into no folder, and something is asked for that needs one."""
        asked = [flag for flag, given in {"--engine ray": self.ray, "--resume": resume}.items() if given]
        if asked and (out is None or not is_folder(out)):
            what = "--out is not given" if out is None else f"--out {out} is a file"
            raise UsageError(f"{asked[0]} is for answers in a folder, and {what}: give --out a name without an ending")


def predict_into(
    folder: Path,
    path: Path,
    photos: Any,
    adapter: str | None,
    top: int,
    resume: bool,
    engine: Engine,
    on_progress: Progress | None,
) -> PredictionFolder:
    """Answer photos that have paths into a folder; see `visionft.workflows.predict.predict`."""
    from visionft.bundle.prediction_folder import PredictionFolder
    from visionft.bundle.prediction_shards import shards_in

    place_of(folder, "--out")
    if engine.ray and not holds_bundle(path) and path.is_dir():
        raise UsageError(f"{path} is a run, and --engine ray answers by a bundle: `visionft export {path}` first")
    subject, opening = _opened(path, adapter, top)
    places = _places(photos, folder)
    advance = on_progress or (lambda *_: None)
    with shards_in(folder, subject, lambda: _entries(places), resume=resume) as shards:
        missing = shards.missing()
        before = shards.photos.number - sum(len(shards.indices(number)) for number in missing)
        for done in _written(shards, missing, opening, path, engine):
            advance(before + done, shards.photos.number)
        return PredictionFolder.of(shards)


def _written(shards: Shards, missing: list[int], opening: Opening, path: Path, engine: Engine) -> Iterator[int]:
    if not missing:
        return
    if engine.ray:
        from visionft.serving.ray_engine import write_with_ray

        yield from write_with_ray(shards, missing, path, engine.address, engine.workers)
        return
    with opening() as answerer:
        yield from answerer.write(shards, missing)


def _opened(path: Path, adapter: str | None, top: int) -> tuple[Subject, Opening]:
    """Return what answers, and what opens its model once the photos are listed."""
    from visionft.bundle.prediction_shards import Subject

    if holds_bundle(path):
        from visionft.serving.predict_bundle import answerer_of

        bundle = Bundle.open(path)
        chosen = bundle.chosen(adapter)
        bundle.answers.predictions((), ()).with_top(top)  # what the task cannot answer is refused before any work
        subject = Subject(bundle.model_sha256(adapter), chosen.record.task, chosen.classes.names, adapter, top)
        return subject, lambda: nullcontext(answerer_of(bundle, adapter))
    refuse_adapter(path, adapter)
    run = run_at(path)  # a finished one: the weights must be the same when it is gone on with
    answers_of(run.task).predictions((), ()).with_top(top)
    from visionft.evaluation import run_answerer

    return Subject(run.model_sha256, run.task, run.classes.names, None, top), lambda: run_answerer(run)


def _places(photos: Any, folder: Path) -> Iterable[Any]:
    """Return the places that were given; DataError where one is given alone that holds no photo."""
    from visionft.photos import is_one, require_photos

    if not is_one(photos):
        return (_place(each, folder) for each in photos)
    place = _place(photos, folder)
    require_photos(place)
    return [place]


def _place(given: Any, folder: Path) -> str | os.PathLike[str]:
    if not isinstance(given, str | os.PathLike):
        raise UsageError(
            f"a value of type {type(given).__name__} has no path, and answers in a folder are of photos that have one: "
            "give paths, or a file for the answers"
        )
    place = Path(os.fsdecode(given))
    if os.path.isdir(place) and folder.resolve().is_relative_to(place.resolve()):  # noqa: PTH112  # Path's may raise
        raise UsageError(f"--out {folder} lies in {place}, which is searched for photos: give another folder")
    return given


def _entries(places: Iterable[Any]) -> Iterator[Entry]:
    from visionft.photos import entries

    for place in places:
        yield from entries(place)
