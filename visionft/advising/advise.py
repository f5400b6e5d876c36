"""Try every method for some steps, each in a process of its own, and recommend one."""

from __future__ import annotations

from collections.abc import Sequence

from visionft import data
from visionft.advising import first_look, method_costs
from visionft.advising.advice import BUSY, Advice, cells
from visionft.advising.first_look import FirstLook
from visionft.advising.method_costs import Row
from visionft.advising.recommendation import recommend
from visionft.advising.timing import Limits
from visionft.advising.trials import try_method
from visionft.data import Manifest
from visionft.errors import BackboneError, MemoryShortError, MissingExtraError, UsageError
from visionft.machine.cores import load
from visionft.machine.progress import Advance, Say, bar
from visionft.machine.subprocesses import in_process
from visionft.planning.plan import require_obtainable
from visionft.settings import METHODS, FitSettings
from visionft.training.eta import spoken
from visionft.wording.lists import count

START_SECONDS = 20.0  # until a process has imported torch, built the network and tried its precisions


def advise(
    settings: FitSettings, names: Sequence[str], limits: Limits, *, small_files: bool = False, say: Say = print
) -> Advice:
    """Look at the frozen features, try the methods, and recommend one; nothing is written.

    Args:
        settings: as for a fit, with "auto"; of its method, its own settings are used where it is tried.
        names: of the methods to be compared.
        limits: how long one method may be tried.
        small_files: one small file a task is wanted.
        say: prints one line.

    Raises:
        DataError, WeightsError, BackboneError: as in a fit.
    """
    require_obtainable(settings)
    busy = load()
    suggestions = None if settings.apply is None else data.read_suggestions(settings.apply)
    with bar("reading photos") as advance:
        manifest = data.prepare(settings.photos, settings.data, on_progress=advance, suggestions=suggestions)
    say(data.summary(manifest))
    solved = settings.head == "linear"
    # The head is what all others are compared with, whether it is named or not.
    closed = [name for name in method_costs.SOLVED if solved and (name == "head" or name in names)]
    to_try = [name for name in names if name not in closed]
    say(_foretold(manifest, len(to_try), limits))
    with bar("features") as advance:
        look = in_process(first_look.look, _with_method(settings, "head", solve=True), manifest, advance=advance)
    say(f"nothing trained: logistic regression answers {look.probe_top1:.1%} of {look.held_out:,} validation photos")
    test_photos = len(manifest.rows("test"))
    rows = [method_costs.of_head(name, look, test_photos) for name in closed]
    with bar("steps of training") as advance:
        for number, name in enumerate(to_try):
            row = _row(settings, manifest, name, limits, look, _part(advance, number, len(to_try), limits.steps))
            rows.append(row)
            say(f"tried {name} ({number + 1} of {len(to_try)}): {row.refusal or f'{cells(row)[1]} images/s'}")
    recommended = recommend(look, rows, small_files=small_files, busy=busy >= BUSY)
    return Advice(look, tuple(rows), recommended, limits.steps, busy)


def _row(
    settings: FitSettings, manifest: Manifest, name: str, limits: Limits, look: FirstLook, advance: Advance
) -> Row:
    try:
        trial = in_process(try_method, _with_method(settings, name), manifest, limits, advance=advance)
    except (BackboneError, MemoryShortError, MissingExtraError, UsageError) as refusal:
        return Row(name, str(refusal))
    return method_costs.of_trial(name, trial, look, len(manifest.rows("test")))


def _with_method(settings: FitSettings, name: str, *, solve: bool = False) -> FitSettings:
    """Return the settings with another method; `solve` asks for a linear head, whatever the epochs and the head."""
    own = settings.method if settings.method.name == name and not solve else METHODS[name]()
    update = {"head": "linear", "epochs": "auto"} if solve else {}
    return settings.model_copy(update={"method": own, **update})


def _foretold(manifest: Manifest, methods: int, limits: Limits) -> str:
    photos = len(manifest.rows("train")) + len(manifest.rows("validation"))
    first = f"first one pass over {photos:,} photos"
    if not methods:
        return first
    most = methods * (limits.seconds + START_SECONDS)
    return (
        f"{first}; then {count(methods, 'method')} for {limits.steps} steps or "
        f"{limits.seconds:.0f} seconds each, in a process of its own: up to about {spoken(most)}"
    )


def _part(advance: Advance, number: int, methods: int, steps: int) -> Advance:
    """Return a bar for one method of several that moves the bar of all."""
    return lambda done, planned: advance(number * steps + done * steps // planned, methods * steps)
