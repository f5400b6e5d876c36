"""The end of a run: final weights, figures recomputed on them in fp32, and the verdict."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from visionft import methods
from visionft.backbones import forward_batches
from visionft.data import EvalPhotos, Manifest, eval_batches
from visionft.finishing.calibrate import Outputs, calibrate, sample, sentence_of
from visionft.finishing.verdict import verdict
from visionft.machine.arithmetic import full_precision
from visionft.machine.memory import peak_memory
from visionft.machine.progress import Say, bar
from visionft.metrics import Metrics, evaluate_logits, unit
from visionft.planning.plan import Plan
from visionft.runs import Run, layout
from visionft.runs.atomic_write import remove, write_json
from visionft.runs.calibration_file import Calibration
from visionft.runs.history import Epoch, best, least_loss, write_csv
from visionft.runs.run_files import read_tensors
from visionft.runs.weights_file import write_adapter, write_weights

BATCH = 64
TRAIN_SAMPLE = 500  # enough for an interval of two points around the training accuracy


def finish(folder: Path, plan: Plan, manifest: Manifest, history: list[Epoch], say: Say, began: float) -> Run:
    """Recompute the figures on the final weights and write weights, metrics and result."""
    network = plan.network.to("cpu").to(memory_format=torch.contiguous_format).float()
    kept = best(history) if history else None
    if os.path.lexists(folder / layout.BEST):
        network.load_state_dict(read_tensors(folder / layout.BEST))
    adapter = methods.adapter_files(network, plan.settings.method, manifest.classes.names, plan.base)
    methods.fold(network, plan.settings.method)
    val, train, calibration = final_figures(plan, manifest)
    sentence = verdict((train.top1, val.top1), train.n, calibration.temperature, plan.settings, history, kept)
    if adapter is not None:
        write_adapter(folder / layout.ADAPTER, adapter)
    write_weights(folder / layout.WEIGHTS, network)
    write_csv(folder / layout.METRICS, history)
    calibration.write(folder)
    cost = {
        "seconds": time.monotonic() - began,
        "peak_memory_mb": peak_memory(plan.settings.hardware.device) / 1e6,
    }
    account = {"account": manifest.account.brief()}
    write_json(folder / layout.RESULT, _result(val, train, sentence, history, kept) | cost | account)
    remove(folder / layout.BEST)
    say(f"validation: {val}")
    if kept and kept.epoch and kept.val_top1 != val.top1 and plan.settings.hardware.precision != "fp32":
        say(
            f"these are the figures in fp32, of what is exported; in {plan.settings.hardware.precision}, as "
            f"training computes, epoch {kept.epoch} had a top-1 of {kept.val_top1:.2%}"
        )
    say(sentence_of(calibration))
    say(sentence)
    return Run.open(folder)


@full_precision()
def final_figures(plan: Plan, manifest: Manifest) -> tuple[Metrics, Metrics, Calibration]:
    """Return what the network in fp32 shows, calibrated: on validation, and on a sample of the training photos."""
    everything = np.arange(len(manifest.rows("validation")), dtype=np.int64)
    held_out = _outputs(plan, manifest, everything, "validation")
    chosen, sampled = sample(manifest.rows("train").labels, TRAIN_SAMPLE, plan.settings.seed)
    seen = _outputs(plan, manifest, chosen, "train")
    names = list(manifest.classes)
    calibration = calibrate(held_out, seen, len(names))
    temperature = calibration.temperature.temperature
    val = evaluate_logits(held_out.logits, held_out.labels, names, temperature=temperature)
    train = evaluate_logits(seen.logits[sampled], seen.labels[sampled], names, temperature=temperature)
    return val, train, calibration


def _outputs(plan: Plan, manifest: Manifest, indices: NDArray[np.int64], split: str) -> Outputs:
    settings = plan.settings
    network = plan.network.to(settings.hardware.device)
    rows = manifest.rows(split).take(indices)
    dataset = EvalPhotos(rows, manifest.root, plan.preprocess)
    with bar(f"figures on {split}") as advance:
        batches = eval_batches(dataset, BATCH, int(settings.hardware.workers))
        advance(0, len(indices))
        answers = forward_batches(network, batches, plan.preprocess, device=settings.hardware.device, dtype=None)
    return Outputs(answers["logits"], unit(answers["embedding"]), answers["labels"])


def _result(
    val: Metrics, train: Metrics, sentence: str, history: Sequence[Epoch], kept: Epoch | None
) -> dict[str, Any]:
    trained = [row for row in history if row.epoch > 0]
    speeds = [row.images_per_second for row in (trained or history)]
    return {
        "val": val.to_json(),
        "train": {"top1": train.top1, "log_loss": train.log_loss, "n": train.n},
        "verdict": sentence,
        "kept_epoch": kept.epoch if kept else None,
        "least_val_loss_epoch": least_loss(history).epoch if history else None,
        "images_per_second": float(np.median(speeds)) if speeds else None,
    }
