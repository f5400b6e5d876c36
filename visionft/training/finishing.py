"""The end of a run: final weights, figures recomputed on them in fp32, and the verdict."""

from __future__ import annotations

import resource
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file

from visionft import methods
from visionft.backbones import forward_batches
from visionft.data import EvalPhotos, Manifest, eval_batches
from visionft.metrics import Metrics, evaluate_logits
from visionft.runs import Run, layout
from visionft.runs.weights import write_adapter, write_weights
from visionft.runs.writing import write_json
from visionft.training.hardware import full_precision
from visionft.training.history import Epoch, best, write_csv
from visionft.training.preparing import Prepared
from visionft.training.progress import Say, bar
from visionft.training.verdict import verdict

BATCH = 64
TRAIN_SAMPLE = 500  # enough for an interval of two points around the training accuracy


def finish(folder: Path, prepared: Prepared, manifest: Manifest, history: list[Epoch], say: Say, began: float) -> Run:
    """Recompute the figures on the final weights and write weights, metrics and result."""
    network = prepared.network.to("cpu").to(memory_format=torch.contiguous_format).float()
    kept = best(history) if history else None
    if (folder / layout.BEST).is_file():
        network.load_state_dict(load_file(folder / layout.BEST))
    full_precision()
    adapter = methods.adapter_files(network, prepared.settings.method, manifest.classes.names, prepared.base)
    methods.fold(network, prepared.settings.method)
    val, train = final_figures(prepared, manifest)
    sentence = verdict(train.top1, val.top1, train.n, history, kept)
    if adapter is not None:
        write_adapter(folder / layout.ADAPTER, adapter)
    write_weights(folder / layout.WEIGHTS, network)
    write_csv(folder / layout.METRICS, history)
    write_json(folder / layout.RESULT, _result(val, train, sentence, history, kept, time.monotonic() - began))
    (folder / layout.BEST).unlink(missing_ok=True)
    say(f"validation: {val}")
    say(sentence)
    return Run.open(folder)


def final_figures(prepared: Prepared, manifest: Manifest) -> tuple[Metrics, Metrics]:
    """Return the figures of the network in fp32: on validation, and on a sample of the training photos."""
    val = _figures(prepared, manifest, range(len(manifest.rows("validation"))), "validation")
    n = len(manifest.rows("train"))
    sample = np.random.default_rng(prepared.settings.seed).permutation(n)[:TRAIN_SAMPLE]
    return val, _figures(prepared, manifest, sorted(sample.tolist()), "train")


def peak_memory_mb() -> float:
    """Return the most memory that this process held so far: the GPU's where there is one."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 1e6
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def _figures(prepared: Prepared, manifest: Manifest, indices: Sequence[int], split: str) -> Metrics:
    settings = prepared.settings
    network = prepared.network.to(settings.hardware.device)
    rows = manifest.rows(split).take(np.asarray(indices, np.int64))
    dataset = EvalPhotos(rows, manifest.root, prepared.preprocess)
    with bar(f"figures on {split}") as advance:
        batches = eval_batches(dataset, BATCH, int(settings.hardware.workers))
        advance(0, len(indices))
        answers = forward_batches(
            network, batches, prepared.preprocess, device=settings.hardware.device, dtype=None, want=("logits",)
        )
    return evaluate_logits(answers["logits"], answers["labels"], list(manifest.classes))


def _result(
    val: Metrics, train: Metrics, sentence: str, history: Sequence[Epoch], kept: Epoch | None, seconds: float
) -> dict[str, Any]:
    trained = [row for row in history if row.epoch > 0]
    speeds = [row.images_per_second for row in (trained or history)]
    return {
        "val": val.to_json(),
        "train": {"top1": train.top1, "log_loss": train.log_loss, "n": train.n},
        "verdict": sentence,
        "kept_epoch": kept.epoch if kept else None,
        "least_val_loss_epoch": min(history, key=lambda row: row.val_loss).epoch if history else None,
        "seconds": seconds,
        "images_per_second": float(np.median(speeds)) if speeds else None,
        "peak_memory_mb": peak_memory_mb(),
    }
