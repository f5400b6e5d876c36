"""One fine-tuning by a peer, in a process of its own: a JSON line an epoch and one at the end.

python benchmarks/peer_loops.py PEER --what full|frozen|fine_tune --data DIR --arch NAME --weights FILE --lr RATE

PEER: plain (a PyTorch loop), fastai, hf (the Hugging Face Trainer), lightning (its BackboneFinetuning). All have the
same photos, weights, size, batch, random-resized crop and flip, AdamW, label smoothing and two loader workers; where a
peer brings a schedule of its own it keeps it. `fine_tune` is the peer's own recipe: fastai's head and discriminative
rates, Lightning's unfreezing; each begins with a frozen epoch. DIR holds train, validation (or val) and test, and each
of them every class folder.

The clock leaves imports out, and every scoring that the peer would not have done. Accuracies go through the weights'
own evaluation transform.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from peer_job import SCALE, Clock, Job
from torch import Tensor, nn
from torch.nn import functional as F

SMOOTHING, DECAY = 0.1, 0.05


def plain(job: Job) -> nn.Module:
    """Train by a bare loop under one cycle of the rate."""
    train, model, given = job.loader("train"), job.model(), job.given
    if job.frozen:
        job.freeze(model)
    wanted = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(wanted, given.lr, weight_decay=DECAY)
    rates = torch.optim.lr_scheduler.OneCycleLR(optimizer, given.lr, total_steps=given.epochs * len(train))
    job.clock = Clock()
    for _ in range(given.epochs):
        model.train()
        for x, y in train:
            F.cross_entropy(model(x), y, label_smoothing=SMOOTHING).backward()
            optimizer.step()
            optimizer.zero_grad()
            rates.step()
        job.epoch(job.accuracy(model, "validation"))
    return model


def fastai(job: Job) -> nn.Module:
    """Train by fastai's one cycle, or by its own head and fine_tune."""
    from fastai.vision import all as fast

    given, mean, std = job.given, job.config["mean"], job.config["std"]
    fast.set_seed(given.seed)
    batches = fast.ImageDataLoaders.from_folder(
        given.data, train="train", valid=job.validation, bs=given.batch, num_workers=given.workers, vocab=job.classes,
        item_tfms=fast.RandomResizedCrop(given.size, min_scale=SCALE[0]),
        batch_tfms=[fast.Flip(), fast.Normalize.from_stats(mean, std)],
    )  # fmt: skip
    loss = fast.CrossEntropyLossFlat(label_smoothing=SMOOTHING)
    model = job.model()
    if given.what == "fine_tune":
        learner = fast.vision_learner(batches, given.arch, pretrained=False, normalize=False, loss_func=loss)
        body = learner.model[0].model
        body.load_state_dict({k: v for k, v in model.state_dict().items() if k in body.state_dict()})
    else:
        head = {id(parameter) for parameter in model.get_classifier().parameters()}

        def split(net: Any) -> list[list[nn.Parameter]]:
            return [[p for p in net.parameters() if (id(p) in head) == wanted] for wanted in (False, True)]

        learner = fast.Learner(batches, model, loss_func=loss, splitter=split)

    class Score(fast.Callback):  # type: ignore[misc, name-defined]
        def after_epoch(self) -> None:
            with job.clock.stopped():  # it has validated already, by a transform of its own
                top1 = job.accuracy(learner.model, "validation")
            job.epoch(top1)

    learner.add_cb(Score())
    job.clock = Clock()
    with learner.no_bar(), learner.no_logging():
        if given.what == "fine_tune":
            learner.fine_tune(given.epochs, given.lr)
        else:
            (learner.freeze if job.frozen else learner.unfreeze)()
            learner.fit_one_cycle(given.epochs, given.lr)
    return learner.model  # type: ignore[no-any-return]


def hf(job: Job) -> nn.Module:
    """Train by the Trainer's linear decay."""
    import transformers

    given, model = job.given, job.model()
    transformers.set_seed(given.seed)
    if job.frozen:
        job.freeze(model)

    class Wrapped(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = model

        def forward(self, pixel_values: Tensor, labels: Tensor | None = None) -> dict[str, Any]:
            logits = self.network(pixel_values)
            loss = None if labels is None else F.cross_entropy(logits, labels, label_smoothing=SMOOTHING)
            return {"loss": loss, "logits": logits}

    class Score(transformers.TrainerCallback):  # type: ignore[misc, name-defined]
        def on_evaluate(self, *_: Any, metrics: dict[str, float], **__: Any) -> None:
            job.epoch(metrics["eval_top1"])

    def stacked(items: list[tuple[Tensor, int]]) -> dict[str, Tensor]:
        return {"pixel_values": torch.stack([x for x, _ in items]), "labels": torch.tensor([y for _, y in items])}

    arguments = transformers.TrainingArguments(
        tempfile.mkdtemp(), num_train_epochs=given.epochs, per_device_train_batch_size=given.batch, report_to=[],
        per_device_eval_batch_size=64, learning_rate=given.lr, weight_decay=DECAY, eval_strategy="epoch",
        save_strategy="no", dataloader_num_workers=given.workers,
        remove_unused_columns=False, disable_tqdm=True, use_cpu=True, seed=given.seed, logging_strategy="no",
    )  # fmt: skip
    trainer = transformers.Trainer(
        Wrapped(), arguments, train_dataset=job.photos("train"), eval_dataset=job.photos("validation"),
        data_collator=stacked, callbacks=[Score()],
        compute_metrics=lambda told: {"top1": float((told.predictions.argmax(1) == told.label_ids).mean())},
    )  # fmt: skip
    job.clock = Clock()
    trainer.train()
    return model  # type: ignore[no-any-return]


def lightning(job: Job) -> nn.Module:
    """Train by the Trainer; `fine_tune` unfreezes the backbone after an epoch, at a tenth of the head's rate."""
    import lightning as pl
    from lightning.pytorch.callbacks import BackboneFinetuning

    given, whole = job.given, job.model()
    pl.seed_everything(given.seed, verbose=False)
    train = job.loader("train")
    extra = 1 if given.what == "fine_tune" else 0

    class Module(pl.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.head = whole.get_classifier()
            whole.reset_classifier(0)
            self.backbone = whole
            self.hits = torch.zeros(2)
            if job.frozen:
                self.backbone.requires_grad_(False)

        def forward(self, x: Tensor) -> Tensor:
            answer: Tensor = self.head(self.backbone(x))
            return answer

        def training_step(self, batch: tuple[Tensor, Tensor], _: int) -> Tensor:
            return F.cross_entropy(self(batch[0]), batch[1], label_smoothing=SMOOTHING)

        def validation_step(self, batch: tuple[Tensor, Tensor], _: int) -> None:
            self.hits += torch.tensor([(self(batch[0]).argmax(1) == batch[1]).sum(), len(batch[1])])

        def on_validation_epoch_end(self) -> None:
            job.epoch(float(self.hits[0] / self.hits[1]))
            self.hits.zero_()

        def configure_optimizers(self) -> Any:
            wanted = [parameter for parameter in self.parameters() if parameter.requires_grad]
            optimizer = torch.optim.AdamW(wanted, given.lr, weight_decay=DECAY)
            steps = (given.epochs + extra) * len(train)
            # One cycle of the rate fails in the moment when the callback adds its group; a cosine does not.
            cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
            return [optimizer], [{"scheduler": cosine, "interval": "step"}]

    callbacks = [BackboneFinetuning(1, lambda _: 1.0, backbone_initial_ratio_lr=0.1)] if extra else []
    trainer = pl.Trainer(
        max_epochs=given.epochs + extra, accelerator="cpu", logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, num_sanity_val_steps=0, callbacks=callbacks,
    )  # fmt: skip
    module = Module()
    job.clock = Clock()
    trainer.fit(module, train, job.loader("validation"))
    return module


PEERS: dict[str, Callable[[Job], nn.Module]] = {"plain": plain, "fastai": fastai, "hf": hf, "lightning": lightning}


def main() -> None:
    """Train once."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("peer", choices=PEERS)
    parser.add_argument("--what", choices=["full", "frozen", "fine_tune"], required=True)
    for name in ("--data", "--weights"):
        parser.add_argument(name, type=Path, required=True)
    parser.add_argument("--arch", required=True)
    parser.add_argument("--lr", type=float, required=True)
    whole = partial(parser.add_argument, type=int)
    for name, default in (("--epochs", 3), ("--size", 224), ("--batch", 32), ("--workers", 2), ("--seed", 0)):
        whole(name, default=default)
    given = parser.parse_args()
    job = Job(given)
    job.finish(PEERS[given.peer](job))


if __name__ == "__main__":
    main()
