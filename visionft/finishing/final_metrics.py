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
from visionft.machine.arithmetic import full_precision
from visionft.machine.memory import peak_memory
from visionft.machine.progress import Say, bar
from visionft.metrics import unit
from visionft.planning.plan import Plan
from visionft.runs import Run, layout
from visionft.runs.atomic_write import remove, write_json
from visionft.runs.history import Epoch, best, least_loss, write_csv
from visionft.runs.learning import Final, Outputs, learning_of
from visionft.runs.run_files import read_tensors
from visionft.runs.weights_file import write_adapter, write_weights
from visionft.tasks.registry import spec_of
from visionft.wording.told import Told, headline

BATCH = 64
TRAIN_SAMPLE = 500  # enough for an interval of two points around the training accuracy


def finish(folder: Path, plan: Plan, manifest: Manifest, history: list[Epoch], say: Say, began: float) -> Run:
    """Recompute the figures on the final weights and write weights, metrics and result."""
    network = plan.network.to("cpu").to(memory_format=torch.contiguous_format).float()
    task, learning = plan.settings.task, learning_of(plan.settings.task)
    kept = best(history, task) if history else None
    if os.path.lexists(folder / layout.BEST):
        network.load_state_dict(read_tensors(folder / layout.BEST))
    learning.fold(network, manifest)
    adapter = methods.adapter_files(network, plan.settings.method, manifest.classes.names, plan.base)
    methods.fold(network, plan.settings.method)
    final = final_figures(plan, manifest)
    sentence = learning.verdict(final, plan.settings, history, kept)
    if adapter is not None:
        write_adapter(folder / layout.ADAPTER, adapter)
    write_weights(folder / layout.WEIGHTS, network)
    write_csv(folder / layout.METRICS, history, task)
    if final.calibration is not None:
        final.calibration.write(folder)
    cost = {
        "seconds": time.monotonic() - began,
        "peak_memory_mb": peak_memory(plan.settings.hardware.device) / 1e6,
    }
    account = {"account": manifest.account.brief()}
    write_json(
        folder / layout.RESULT, _result(final, learning.brief(final.train), sentence, history, kept) | cost | account
    )
    remove(folder / layout.BEST)
    figures = f"validation: {final.val}"
    say(Told(figures, headline(figures)))
    score, arithmetic = spec_of(task).score, plan.settings.hardware.precision
    if kept and kept.epoch and kept.val_score != final.val.to_json()[score.name] and arithmetic != "fp32":
        say(
            f"these are the figures in fp32, of what is exported; in {arithmetic}, as training computes, epoch "
            f"{kept.epoch} had a {score.words} of {kept.val_score:{score.style}}"
        )
    for line in learning.fitted(final):
        say(Told(line))
    say(sentence)
    return Run.open(folder)


@full_precision()
def final_figures(plan: Plan, manifest: Manifest) -> Final:
    """Return what the network in fp32 shows, calibrated: on validation, and on a sample of the training photos."""
    learning = learning_of(plan.settings.task)
    everything = np.arange(len(manifest.rows("validation")), dtype=np.int64)
    held_out = _outputs(plan, manifest, everything, "validation")
    chosen, sampled = learning.sample(manifest.rows("train").labels, TRAIN_SAMPLE, plan.settings.seed)
    seen = _outputs(plan, manifest, chosen, "train")
    return learning.final(held_out, seen, sampled, manifest.classes, plan.settings)


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
    final: Final, train: dict[str, Any], sentence: str, history: Sequence[Epoch], kept: Epoch | None
) -> dict[str, Any]:
    trained = [row for row in history if row.epoch > 0]
    speeds = [row.images_per_second for row in (trained or history)]
    return {
        "val": final.val.to_json(),
        "train": train,
        "verdict": sentence,
        "kept_epoch": kept.epoch if kept else None,
        "least_val_loss_epoch": least_loss(history).epoch if history else None,
        "images_per_second": float(np.median(speeds)) if speeds else None,
    }
