"""WiSE-FT: a run whose weights lie between the start and the end of another, chosen on validation."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from visionft.backbones import Network, WeightSource
from visionft.data import Manifest
from visionft.errors import RunError, UsageError
from visionft.finishing.calibrate import sentence_of
from visionft.finishing.final_metrics import final_figures
from visionft.finishing.verdict import verdict
from visionft.finishing.weight_interpolation import Line, best, measure
from visionft.machine.arithmetic import full_precision
from visionft.machine.memory import peak_memory
from visionft.machine.progress import Say
from visionft.planning.plan import Plan
from visionft.runs import Run, layout
from visionft.runs.atomic_write import require_space, seal, write_json, write_text
from visionft.runs.calibration_file import Calibration
from visionft.runs.finished_folder import copy_file, placed
from visionft.runs.run_files import read_json
from visionft.runs.verify_run import require_as_written
from visionft.runs.weights_file import write_weights
from visionft.settings import to_yaml

TENTHS = tuple(step / 10 for step in range(11))  # the paper's own grid
COPIES_OF_WEIGHTS = 3  # start and final file, and a temporary twin


@full_precision()
def blend(run: Run, out: Path, coefficients: Sequence[float] = TENTHS, say: Say = print) -> Run:
    """Write a new run with the best weights between a run's start and its end (WiSE-FT, arXiv 2109.01903).

    Args:
        run: finished, and trained by epochs.
        out: the new run's folder; if it holds this very blend already, that is returned.
        coefficients: to be tried, in [0, 1]: 0 is the start, 1 the trained weights.
        say: receives the report.

    Raises:
        UsageError: a coefficient is outside [0, 1], or there is none.
        RunError: the run kept no start, or something else is in the place.
    """
    began = time.monotonic()
    _check(coefficients)
    start, digest = run.start().state_dict(), run.weights_sha256
    if _is_there(out, run, digest, coefficients):
        require_as_written(out)
        say(f"the blend {out} is finished already; give another --out to make it again")
        return Run.open(out)
    require_space(out, COPIES_OF_WEIGHTS * sum(tensor.nbytes for tensor in start.values()), "this blend")
    plan, manifest = _prepared(run), run.manifest()
    line = Line(plan.network, start)
    points = measure(line, plan, manifest, coefficients)
    chosen = best(points)
    for point in points:
        say(f"{point}{'  <- chosen' if point is chosen else ''}")
    line.move_to(chosen.coefficient)
    figures, calibration = _figures(plan, manifest, say)
    result = {**run.result, **figures}
    result["seconds"] = time.monotonic() - began
    result["blend"] = {
        "weights": digest, "coefficient": chosen.coefficient, "path": [asdict(point) for point in points],
    }  # fmt: skip
    _write(run, out, plan.network.to("cpu"), calibration, result)
    return Run.open(out)


def _check(coefficients: Sequence[float]) -> None:
    if not coefficients:
        raise UsageError("--coefficients: none is given; give numbers from 0 (the start) to 1 (the trained weights)")
    for value in coefficients:
        if not 0 <= value <= 1:
            raise UsageError(
                f"--coefficients: {value:g} is not between the start and the trained weights; give numbers from 0 to 1"
            )


def _is_there(out: Path, run: Run, digest: str, coefficients: Sequence[float]) -> bool:
    """Tell whether the place holds this very blend; RunError if it holds anything else."""
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return False
    made = read_json(out / layout.RESULT).get("blend") or {} if os.path.lexists(out / layout.RESULT) else {}
    tried = [point["coefficient"] for point in made.get("path", ())]
    if made.get("weights") != digest or tried != list(coefficients):
        raise RunError(f"{out} exists and is not this blend of {run.path}, so it is left as it is; give another --out")
    return True


def _prepared(run: Run) -> Plan:
    """Return the run as training had it at its end, on a device that is here."""
    device = run.device
    settings = run.settings.model_copy(update={"hardware": run.settings.hardware.model_copy(update={"device": device})})
    network = run.network().to(device)
    return Plan(settings, (), network, WeightSource(**run.weights_source), run.preprocess)


def _figures(plan: Plan, manifest: Manifest, say: Say) -> tuple[dict[str, Any], Calibration]:
    began = time.monotonic()
    final = final_figures(plan, manifest)
    val, train, calibration = final.val, final.train, final.calibration
    assert isinstance(calibration, Calibration), "what is blended is calibrated"
    seconds = time.monotonic() - began
    sentence = verdict((train.top1, val.top1), train.n, calibration.temperature)
    say(f"validation: {val}")
    say(sentence_of(calibration))
    say(sentence)
    figures = {
        "val": val.to_json(),
        "train": {"top1": train.top1, "log_loss": train.log_loss, "n": train.n},
        "verdict": sentence,
        "images_per_second": (val.n + train.n) / seconds,
        "peak_memory_mb": peak_memory(plan.settings.hardware.device) / 1e6,
    }
    return figures, calibration


def _write(run: Run, out: Path, network: Network, calibration: Calibration, result: dict[str, Any]) -> None:
    """Write the whole folder: the records of the training, which also say how the photos are read, and its start."""
    with placed(out) as folder:
        for name in sorted(
            layout.BLENDED - layout.CALIBRATED - {layout.SETTINGS, layout.WEIGHTS, layout.RESULT, layout.DIGESTS}
        ):
            copy_file(run.path / name, folder / name)
        write_text(folder / layout.SETTINGS, to_yaml(run.settings.model_copy(update={"out": out})))
        write_weights(folder / layout.WEIGHTS, network)
        calibration.write(folder)
        write_json(folder / layout.RESULT, result)
        seal(folder)
