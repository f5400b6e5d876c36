"""Many fits over ranges and values of settings, and the best of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from visionft.errors import RunError, SettingsError
from visionft.workflows.evaluate import evaluate_once
from visionft.workflows.fit_settings import fit_settings
from visionft.workflows.remote_photos import with_local_photos
from visionft.workflows.report import report_once

if TYPE_CHECKING:
    from visionft.settings.sweep import SweepSettings
    from visionft.sweeping import SweepResult
    from visionft.sweeping.search_space import Dimension
    from visionft.sweeping.sweep_plan import SweepPlan

Say = Callable[[str], None]


def sweep(
    photos_or_settings: Any = None,
    /,
    *,
    over: str | Mapping[str, Any],
    trials: int = 20,
    prune: str = "median",
    keep: int = 3,
    workers: int = 1,
    storage: str | None = None,
    out: str | Path | None = None,
    config: str | Path | None = None,
    say: Say = print,
    **flags: Any,
) -> SweepResult:
    """Make fits over ranges and values of settings, choose by validation, and measure the best one on the test split.

    Each trial is a whole `fit` in a folder of its own, all of the same photos in the same splits. Where every varied
    setting has a finite number of values, different combinations are drawn at random, each once; else Optuna's TPE
    draws (Bergstra et al., NeurIPS 2011). The test split is read for the best run alone, at the end.

    Args:
        photos_or_settings: as for `fit`: a folder, a manifest, photos in memory, or complete settings.
        over: what is varied, as on the command line (`"lr=1e-4..1e-2,method=full,lora,seed=0..4"`), or a mapping from
            settings to a range as text or to a list of values. Real numbers are drawn on a logarithmic scale where the
            ends are two decades apart. Every draw of the other settings meets every seed.
        trials: fits, at least 1, those of every seed counted; a larger number goes on with a finished sweep.
        prune: ends trials early by their score after an epoch: `median`, `hyperband` (arXiv 1603.06560) or `none`.
        keep: runs whose weights are kept, at least 1: of the best draws the best run each.
        workers: processes on this machine, from 1 to 64.
        storage: the URL of a database where several machines work at one sweep; none: SQLite in the folder.
        out: the sweep's folder; none: runs/PHOTOS-sweep. The same call goes on with it.
        config: a YAML file with settings of all trials; flags go above it.
        say: receives a line for each trial; print by default.
        flags: settings of all trials by name, as for `fit`.

    Raises:
        SettingsError: a setting is unknown or refuses a value; before any work.
        UsageError: the database cannot be opened.
        MissingExtraError: Optuna is not installed.
        RunMismatchError: the folder holds another sweep.
        RunError: no trial finished, the photos changed, or the folder cannot be used.
    """
    plan = sweep_plan(
        photos_or_settings, over, config, flags, trials=trials, prune=prune, keep=keep, workers=workers,
        storage=storage, out=out, say=say,
    )  # fmt: skip
    from visionft.sweeping import sweep_plan as records

    begun = records.begin(plan)
    say(_foretold(plan, begun))
    result, elsewhere = _worked(plan, storage, workers, say)
    result = _measured(result, say) if result.complete else result
    if elsewhere:
        note = "note: other processes are still at trials; the same command says more once they are done"
        result = replace(result, notes=(*result.notes, note))
    from visionft.sweeping.sweep_page import write_page

    write_page(plan, result)
    if result.complete and result.best_trial is None:
        why = next((row.sentence for row in result.trials if row.sentence), "each was pruned, or a seed of it was")
        raise RunError(f"no trial of {plan.folder} can be chosen: {why}; see {plan.folder / records.PAGE}")
    return result


def sweep_plan(
    given: Any, over: str | Mapping[str, Any], config: str | Path | None, flags: dict[str, Any], *, out: Any, say: Say,
    storage: str | None, **numbers: Any,
) -> SweepPlan:  # fmt: skip
    """Return what a sweep will do, after everything proved possible that can be known before torch is imported.

    Raises:
        SettingsError, MissingExtraError, UsageError, DataError: see `sweep`.
    """
    from visionft.sweeping import search_space, trial_settings
    from visionft.sweeping import sweep_plan as records
    from visionft.sweeping.study import require_optuna, require_storage

    varied = search_space.dimensions(over)
    own = _own(over=records.said(varied), out=out, storage=storage, **numbers)
    settings = with_local_photos(_shared(given, config, flags, varied, say), say)
    shared = trial_settings.shared_settings(settings, varied)
    trial_settings.require_possible(shared, varied)
    folder = records.default_folder(settings.photos) if own.out is None else own.out
    plan = records.SweepPlan(folder, shared, varied, own.trials, own.prune, own.keep)
    if not plan.draws:
        raise SettingsError([
            f"--trials: {own.trials} are fewer than the {len(plan.seeds)} seeds that every draw meets; give more"
        ])  # fmt: skip
    require_optuna()
    if storage is not None:
        require_storage(storage)
    return plan


def _own(**given: Any) -> SweepSettings:
    from pydantic import ValidationError

    from visionft.settings.error_messages import lines
    from visionft.settings.fields import flag_of
    from visionft.settings.sweep import SweepSettings

    try:
        return SweepSettings.model_validate(given)
    except ValidationError as error:
        raise SettingsError(lines(error, flag_of, SweepSettings)) from None


def _shared(
    given: Any, config: str | Path | None, flags: dict[str, Any], varied: tuple[Dimension, ...], say: Say
) -> Any:
    """Return the settings of all trials; where the method is varied, under the first one that they suit."""
    from visionft.sweeping.search_space import METHOD

    methods = next((one.values for one in varied if one.path == METHOD), ())
    if not methods:
        return fit_settings(given, config, flags, (), say)
    if "method" in flags or METHOD in flags:
        raise SettingsError(["--method is given, and --over varies it; leave one out"])
    from visionft.settings import METHODS, FitSettings

    known = [name for name in methods if name in METHODS]
    if isinstance(given, FitSettings) or not known:
        return fit_settings(given, config, flags, known, say)
    refused: SettingsError | None = None
    for name in known:
        try:
            return fit_settings(given, config, {**flags, METHOD: name}, known, say)
        except SettingsError as error:
            refused = refused or error
    assert refused is not None, "there is a method"
    raise refused


def _worked(plan: SweepPlan, storage: str | None, workers: int, say: Say) -> tuple[SweepResult, bool]:
    from visionft.machine.stop_signals import Interrupted
    from visionft.sweeping.work import work

    try:
        return work(plan, storage, workers, say)
    except KeyboardInterrupt as error:
        number = getattr(error, "exit_code", 130) - 128
        raise Interrupted(number, f"interrupted; the same command goes on with the sweep {plan.folder}") from None


def _measured(result: SweepResult, say: Say) -> SweepResult:
    """Measure the best run on the test split, once, and write its report."""
    from visionft.sweeping.sweep_result import is_here

    best = result.best_trial
    if best is None or not is_here(best.run):
        return result
    say("now the best run alone is measured on the test split, which nothing has read so far")
    evaluate_once(result.best, say)
    report_once(result.best, say)
    test: float | None = result.best.summary()[f"test_{result.score.name}"]
    return replace(result, test=test)


def _foretold(plan: SweepPlan, begun: bool) -> str:
    from visionft.sweeping.sweep_plan import said
    from visionft.wording.lists import count

    how = "Optuna's TPE draws" if plan.listed is None else "different combinations, each once"
    seeds = f", {count(plan.draws if plan.listed is None else len(plan.listed), 'draw')} with each of "
    seeds += f"{len(plan.seeds)} seeds" if len(plan.seeds) > 1 else ""
    what = f"{count(plan.places, 'trial')} over {said(plan.varied)}"
    return f"{'going on with' if begun else 'sweep'} {plan.folder}: {what}{seeds if len(plan.seeds) > 1 else ''}; {how}"
