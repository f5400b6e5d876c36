"""From a run, or several, to the bundle that is deployed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from visionft.errors import UsageError
from visionft.tasks.registry import require
from visionft.workflows.enough_photos import require_enough_photos
from visionft.workflows.located_photos import locate_runs, notes_of
from visionft.workflows.run_or_bundle import path_of, place_of, run_at

if TYPE_CHECKING:
    from visionft.exporting import Exported
    from visionft.exporting.target import OpenVino, Runtime, Target
    from visionft.runs import Run
    from visionft.settings import ExportSettings

OPENVINO = "openvino"
Runs = Mapping[str, "Run | str | Path"] | Sequence["Run | str | Path"]


def export(
    run: Run | str | Path | None = None,
    out: str | Path | None = None,
    settings: ExportSettings | None = None,
    *,
    data: str | Path | None = None,
    adapters: Runs | None = None,
    **flags: Any,
) -> Exported:
    """Write the bundle that is deployed, after checking on validation photos that it answers like the run.

    Args:
        run: a run or its folder; none where `adapters` are given. Of one that is not finished the best weights so far
            are taken, and the bundle's provenance says so.
        out: the bundle's folder; none: RUN/bundle. With `adapters` it has to be given.
        data: where the photos of the run, or of the runs, are now, if they moved: a folder, searched through, or a
            manifest. They are found by their digests; none: they are looked for where they were.
        adapters: finished runs of LoRA that share their base, each an adapter of one bundle; a list takes the names of
            the runs' folders, a mapping gives names.
        settings: those of the export, whole; none: the defaults, and the flags.
        flags: settings of the export by name, such as `precision="int8"`: see `ExportSettings`.

    Raises:
        ParityError: the exported model does not answer like the trained one; nothing is left behind.
        PrecisionError: a smaller precision failed one of its gates; nothing is left behind.
        SettingsError: a setting is wrong or can have no effect; one line each.
        UsageError: neither a run nor adapters were given, or both; or settings and flags; or two adapters have one
            name; or fp16 is asked of adapters.
        RunError: the runs cannot share a base.
        DataError: none of a run's validation photos is there as it was.
        BackboneError: the network is too large for one ONNX file, or cannot be written as one.
        TargetError: the target cannot be installed here.
        MissingExtraError: the target is OpenVINO, and it is not installed here.
    """
    asked = _settings(settings, flags)
    wanted = None if asked.target is None else _target(asked.target, adapters is not None)
    if adapters is not None:
        place = _place_of_adapters(run, out)
        paths = _named(adapters)
        for each_path in paths.values():
            require_enough_photos(each_path, asked)
        opened_runs = {name: run_at(path) for name, path in paths.items()}
        from visionft.exporting import export_adapters
        from visionft.exporting.target import OpenVino

        for each in opened_runs.values():
            require(each.task, "adapters", f"--adapters with the run {each.path}", "export the run by itself")
            _require_room(each)
        runs, located = locate_runs(opened_runs, data, _needed(asked.precision))
        with _runtime(wanted) as runtime:
            assert not isinstance(runtime, OpenVino), "it carries no adapters"
            exported = export_adapters(runs, place, asked, runtime=runtime)
        return replace(exported, notes=(*exported.notes, *notes_of(located)))
    if run is None:
        raise UsageError("there is nothing to export; give a run, or several with --adapters")
    path = path_of(run)
    require_enough_photos(path, asked)
    opened = run_at(path, unfinished=True)
    from visionft.exporting import export as export_run

    _require_stages(opened.task, asked)
    _require_room(opened)
    place = place_of(out, "--out") or opened.path / "bundle"
    runs, located = locate_runs({"": opened}, data, _needed(asked.precision))
    with _runtime(wanted) as runtime:
        exported = export_run(runs[""], place, asked, runtime=runtime)
    notes = (*exported.notes, *notes_of(located), *([opened.note] if opened.note else []))
    return replace(exported, notes=notes, account=located[""].account, unfinished=opened.epoch)


def _needed(precision: str) -> tuple[str, ...]:
    """Return the splits whose photos an export looks at."""
    return ("validation",) if precision == "fp32" else ("validation", "train")


def _require_stages(task: str, asked: ExportSettings) -> None:
    """Refuse what the export of another task has nothing to do with; UsageError says so."""
    if asked.precision != "fp32":
        require(task, "reduce", f"--precision {asked.precision}", "leave it out: the file is then in fp32")
    if asked.target is not None:
        require(task, "target", f"--target {asked.target}", "leave it out")
    if asked.accept != type(asked)().accept:
        require(task, "calibration", f"--accept {'none' if asked.accept is None else asked.accept}", "leave it out")
    if asked.min_confidence is not None:
        require(task, "confidence", f"--min-confidence {asked.min_confidence:g}", "leave it out")


def _require_room(run: Run) -> None:
    """Refuse a run too large for one ONNX file, by the size of its weights' file: nothing is read or installed yet."""
    from visionft.exporting import require_room
    from visionft.runs import layout

    weights = layout.WEIGHTS if run.epoch is None else layout.BEST
    require_room(run.settings.backbone, (run.path / weights).stat().st_size)


def _settings(settings: ExportSettings | None, flags: dict[str, Any]) -> ExportSettings:
    # Here, not above: whoever only serves has no PyYAML.
    from visionft.settings import build_export

    if settings is None:
        return build_export(**flags)
    if flags:
        raise UsageError("export was given complete settings and flags; put the flags into the settings")
    return settings


def _target(given: str, adapters: bool) -> Target | OpenVino:
    from visionft.exporting.target import OpenVino, Target

    target = OpenVino.installed() if given == OPENVINO else Target.parse(given)
    if adapters:
        target.require_adapters()
    return target


def _runtime(target: Target | OpenVino | None) -> AbstractContextManager[Runtime | OpenVino | None]:
    """Install the target for as long as it is needed: first of all, so that what cannot be had costs no export."""
    if target is None:
        return nullcontext()
    from visionft.exporting.target import Target, environment

    if not isinstance(target, Target):
        return nullcontext(target)

    return environment(target)


def distinct(runs: Iterable[tuple[str, Path]]) -> dict[str, Path]:
    """Return the folders of runs by the names that their adapters shall have; UsageError where two have one name."""
    found: dict[str, Path] = {}
    for name, path in runs:
        if name in found:
            raise UsageError(
                f"the runs {found[name]} and {path} would both be the adapter {name}; give one of them as NAME=RUN"
            )
        found[name] = path
    return found


def name_of(path: Path) -> str:
    """Return the name that an adapter has by itself: that of its run's folder."""
    return path.absolute().name


def _named(adapters: Runs) -> dict[str, Path]:
    if isinstance(adapters, Mapping):
        return {name: path_of(run) for name, run in adapters.items()}
    paths = [path_of(run) for run in adapters]
    return distinct((name_of(path), path) for path in paths)


def _place_of_adapters(run: Run | str | Path | None, out: str | Path | None) -> Path:
    if run is not None:
        raise UsageError(f"a run ({path_of(run)}) and --adapters were given; put the run among the adapters")
    if out is None:
        raise UsageError("adapters of several runs have no folder of their own; give one with --out")
    return path_of(out)
