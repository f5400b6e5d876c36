"""Train under one's own Lightning Trainer: `python examples/lightning_trainer.py PHOTOS OUT`.

The plan (network, schedule, settings) is visionft's; loop, callbacks, logger and checkpoints are the Trainer's.
`vft.fit` has a loop of its own, which resumes bit for bit and ends in a run that can be exported.
"""

from __future__ import annotations

import sys

from lightning import Trainer
from lightning.pytorch.callbacks import LearningRateMonitor, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger

from visionft import FitSettings, data
from visionft.planning.plan import make_plan
from visionft.training import Classifier, PhotoDataModule
from visionft.training.epochs import make_loader

EPOCHS = 2


def main(photos: str, out: str) -> None:
    """Plan, then hand the plan to a Trainer."""
    settings = FitSettings(photos=photos, backbone="visionft_pico", epochs=EPOCHS)
    manifest = data.prepare(settings.photos, settings.data)
    plan = make_plan(settings, manifest, print)
    schedule = plan.schedule(make_loader(plan, manifest).steps_per_epoch)
    trainer = Trainer(
        max_epochs=EPOCHS,
        accelerator=plan.settings.hardware.device.replace("cuda", "gpu"),
        devices=1,
        logger=CSVLogger(out),
        callbacks=[LearningRateMonitor("step"), ModelCheckpoint(out, monitor="val_top1", mode="max")],
        log_every_n_steps=1,
    )
    module = Classifier(plan.network, plan.preprocess, schedule, plan.settings)
    trainer.fit(module, datamodule=PhotoDataModule(manifest, plan.preprocess, plan.settings))
    print(f"top-1 on validation photos: {trainer.callback_metrics['val_top1']:.1%}")


if __name__ == "__main__":
    main(*sys.argv[1:3])
