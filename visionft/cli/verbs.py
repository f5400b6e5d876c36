"""`visionft evaluate`, `visionft predict` and `visionft export`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from visionft.cli.places import PLACE, require_photos, require_places, require_run
from visionft.cli.printing import Json, finish
from visionft.errors import UsageError

Model = Annotated[Path, PLACE, Parameter(help="The folder of a run or of a bundle.")]
Adapter = Annotated[str | None, Parameter(help="The adapter that answers, in a bundle with adapters.")]


def evaluate(
    run: Model,
    /,
    *,
    data: Annotated[
        Path | None, PLACE, Parameter(help="Other photos, in class folders of the run's classes; none: the run's own.")
    ] = None,
    split: Annotated[Literal["train", "validation", "test"], Parameter(help="Which of the run's own photos.")] = "test",
    retention: Annotated[
        Path | None, PLACE, Parameter(help="Photos of an earlier task: what do the features still know of them?")
    ] = None,
    adapter: Adapter = None,
    out: Annotated[
        Path | None, PLACE, Parameter(help="A folder for the figures and the predictions per photo.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure a run or a bundle on photos with labels."""
    require_run(run)
    if data is not None:
        require_photos(data)
    if retention is not None:
        require_photos(retention, "--retention")
    from visionft import workflows
    from visionft.workflows.places import holds_bundle

    evaluation = workflows.evaluate(run, data=data, split=split, retention=retention, adapter=adapter, out=out)
    following: list[str | Path] = ["predict", run, "PHOTOS", *_flag(adapter)] if holds_bundle(run) else ["export", run]
    kept = {"retention": evaluation.retention.to_json()} if evaluation.retention else {}
    finish(str(evaluation), {**evaluation.metrics.summary(), **kept}, *following, as_json=as_json)


def predict(
    run: Model,
    places: Annotated[
        list[str], PLACE, Parameter(help="Photos, folders of photos (searched through) or globs.", negative="")
    ],
    /,
    *,
    adapter: Adapter = None,
    out: Annotated[Path | None, PLACE, Parameter(help="A file for the answers: .csv, .jsonl or .parquet.")] = None,
    top: Annotated[int, Parameter(help="Labels for each photo, the most probable first.")] = 1,
    as_json: Json = False,
) -> None:
    """Answer photos with a run or a bundle."""
    from visionft.bundle.answers import WRITERS

    require_run(run)
    require_places(places)
    if out is not None and out.suffix.lower() not in WRITERS:
        raise UsageError(f"--out: {out} does not end in {', '.join(WRITERS)}; give it one of these endings")
    if top < 1:
        raise UsageError(f"--top: {top} is less than 1; give the number of labels for each photo")
    from visionft import workflows

    predictions = workflows.predict(run, places, adapter=adapter, out=out, top=top)
    rows = predictions.to_rows() if as_json else []
    result = {"answered": len(predictions), "quarantined": len(predictions.quarantine), "out": out, "predictions": rows}
    following: list[str | Path] = ["evaluate", run, "--data", "PHOTOS", *_flag(adapter)]
    if out is None:
        following = ["predict", run, *places, *_flag(adapter), "--out", "answers.csv"]
    finish(str(predictions), result, *following, as_json=as_json)


def export(
    run: Annotated[Path | None, PLACE, Parameter(help="The folder of a run; none with --adapters.")] = None,
    /,
    *,
    adapters: Annotated[
        list[str] | None,
        Parameter(
            help="Runs of LoRA on one base, as RUN or NAME=RUN: one bundle with an adapter for each.",
            consume_multiple=True,
            negative="",
        ),
    ] = None,
    out: Annotated[Path | None, PLACE, Parameter(help="The bundle's folder; none: RUN/bundle.")] = None,
    precision: Annotated[
        Literal["fp32", "fp16", "int8"],
        Parameter(help="Arithmetic of the exported network; a smaller one is kept if it passes three gates."),
    ] = "fp32",
    max_loss: Annotated[
        float, Parameter(help="Points of top-1 under which a smaller precision's loss must lie, with 95 % certainty.")
    ] = 0.5,
    allow: Annotated[
        Literal["slower"] | None, Parameter(help="Keep a smaller precision that is not faster on this machine.")
    ] = None,
    golden: Annotated[
        Literal["photos", "none"], Parameter(help="Whether photos with their answers travel inside the bundle.")
    ] = "photos",
    accept: Annotated[
        str,
        Parameter(
            help="Share of known photos that the threshold lets pass, or none; photos below it are answered unknown."
        ),
    ] = "0.95",
    target: Annotated[
        str | None,
        Parameter(help="Another onnxruntime that will serve, as onnxruntime==1.17.3; it is installed and tried."),
    ] = None,
    all_photos: Annotated[
        bool, Parameter(name="--all", negative="", help="Compare on every validation photo instead of at most 2,000.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Write the bundle that is deployed, after checking that it answers like the run."""
    if run is not None:
        require_run(run)
    runs = None if adapters is None else _named(adapters)
    share = _share(accept)
    from visionft import workflows

    exported = workflows.export(
        run, out, adapters=runs, precision=precision, max_loss=max_loss, allow=allow, golden=golden, accept=share,
        target=target, all=all_photos,
    )  # fmt: skip
    following: list[str | Path] = ["predict", exported.bundle, "PHOTOS", *_flag(next(iter(exported.adapters), None))]
    finish(str(exported), exported.to_json(), *following, as_json=as_json)


def _named(adapters: Sequence[str]) -> dict[str, Path]:
    """Read RUN or NAME=RUN; what exists is a folder, whatever signs its name holds."""
    from visionft.workflows.shipping import distinct, name_of

    runs: list[tuple[str, Path]] = []
    for given in adapters:
        name, sign, place = ("", "", given) if Path(given).exists() else given.rpartition("=")
        require_run(Path(place))
        runs.append((name if sign else name_of(Path(place)), Path(place)))
    return distinct(runs)


def _flag(adapter: str | None) -> list[str]:
    return [] if adapter is None else ["--adapter", adapter]


def _share(given: str) -> float | None:
    if given == "none":
        return None
    try:
        share = float(given)
    except ValueError:
        share = -1.0
    if not 0 < share < 1:
        raise UsageError(f"--accept: {given} is not a share between 0 and 1; give one such as 0.95, or none")
    return share
