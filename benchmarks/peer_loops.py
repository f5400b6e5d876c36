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
import json
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import timm
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader
from torchvision import transforms as T
from torchvision.datasets import ImageFolder

SMOOTHING, DECAY, SCALE = 0.1, 0.05, (0.35, 1.0)


class Clock:
    """Seconds of work, without what is measured in between."""

    def __init__(self) -> None:
        self._began, self._out = time.perf_counter(), 0.0

    def seconds(self) -> float:
        """Return the seconds so far."""
        return time.perf_counter() - self._began - self._out

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Leave the block out."""
        began = time.perf_counter()
        yield
        self._out += time.perf_counter() - began


class Job:
    """What every peer does."""

    def __init__(self, given: argparse.Namespace) -> None:
        self.given, self.clock, self.rows = given, Clock(), list[dict[str, Any]]()
        self.validation = "validation" if (given.data / "validation").is_dir() else "val"
        self.config = timm.data.resolve_data_config({}, model=timm.create_model(given.arch, pretrained=False))

    @property
    def frozen(self) -> bool:
        """Whether the head alone is trained."""
        return bool(self.given.what == "frozen")

    @cached_property
    def classes(self) -> list[str]:
        """The classes in the order of their folders."""
        return sorted(place.name for place in (self.given.data / "train").iterdir() if place.is_dir())

    def model(self) -> Any:
        """Return the pretrained network with a new head."""
        torch.manual_seed(self.given.seed)
        model = timm.create_model(self.given.arch, pretrained=False, num_classes=len(self.classes))
        own = model.state_dict()
        kept = {k: v for k, v in load_file(self.given.weights).items() if k in own and own[k].shape == v.shape}
        missing = model.load_state_dict(kept, strict=False).missing_keys
        if len(missing) > len(list(model.get_classifier().parameters())):
            raise SystemExit(f"{self.given.weights} lacks {missing}")
        return model

    def freeze(self, model: Any) -> None:
        """Leave gradients to the head alone."""
        for parameter in model.parameters():
            parameter.requires_grad_(False)
        for parameter in model.get_classifier().parameters():
            parameter.requires_grad_(True)

    def transform(self, split: str) -> Callable[..., Tensor]:
        """Return the random crop and flip of training, or the weights' own evaluation."""
        norm = [T.ToTensor(), T.Normalize(self.config["mean"], self.config["std"])]
        size = self.given.size
        if split == "train":
            return T.Compose([T.RandomResizedCrop(size, scale=SCALE), T.RandomHorizontalFlip(), *norm])
        mode = T.InterpolationMode(self.config["interpolation"])
        return T.Compose([T.Resize(round(size / self.config["crop_pct"]), mode), T.CenterCrop(size), *norm])

    def photos(self, split: str) -> ImageFolder:
        """Return a split as torchvision reads it."""
        name = self.validation if split == "validation" else split
        return ImageFolder(self.given.data / name, self.transform(split), allow_empty=True)

    def loader(self, split: str) -> DataLoader[Any]:
        """Return batches of a split."""
        train = split == "train"
        return DataLoader(
            self.photos(split), self.given.batch if train else 64, shuffle=train, drop_last=train,
            num_workers=self.given.workers, persistent_workers=train and self.given.workers > 0,
        )  # fmt: skip

    @torch.inference_mode()
    def accuracy(self, model: nn.Module, split: str) -> float:
        """Return the top-1 of a split, and leave the modules' modes as they were."""
        modes = {module: module.training for module in model.modules()}
        model.eval()
        hits = total = 0
        for x, y in self.loader(split):
            hits += int((model(x).argmax(1) == y).sum())
            total += len(y)
        for module, training in modes.items():
            module.training = training
        return hits / total

    def epoch(self, top1: float) -> None:
        """Print what stands after an epoch."""
        self.rows.append({"seconds": round(self.clock.seconds(), 1), "val_top1": round(top1, 4)})
        print(json.dumps(self.rows[-1]), flush=True)

    def finish(self, model: nn.Module) -> None:
        """Print the last line."""
        seconds, epochs = self.clock.seconds(), len(self.rows)
        own, beneath = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        told = {
            "fit_seconds": round(seconds, 1), "epochs": self.rows, "test_top1": round(self.accuracy(model, "test"), 4),
            "images_per_second": round(len(self.photos("train")) * epochs / seconds, 1),
            "peak_memory_mb": round(max(own, beneath) / 1024),
        }  # fmt: skip
        print(json.dumps(told), flush=True)


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
            # FACTS of this combination: one cycle fails when the callback adds its group, cosine does not.
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
