"""The LightningModule and its data under a user's own Trainer, with the callbacks and the logger of everybody."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from lightning import Trainer
from lightning.pytorch.callbacks import LearningRateMonitor, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger, TensorBoardLogger
from torch import Tensor

from visionft import data
from visionft.errors import UsageError
from visionft.planning.plan import Plan, make_plan
from visionft.training import Classifier
from visionft.training.datamodule import PhotoDataModule
from visionft.training.epochs import make_loader

GRADUAL = {"name": "gradual", "phases": [{"epochs": 1, "unfreeze": 0.0}, {"epochs": 11, "unfreeze": 1.0}]}
# Lightning's own words about torch's next version, and about workers and short loaders: they are its user's to read.
pytestmark = pytest.mark.filterwarnings("ignore")
Made = tuple[Plan, Classifier, PhotoDataModule]


@pytest.fixture
def made(settings: Any) -> Made:
    wanted = settings(method=GRADUAL, **{"optim.lr": 1e-2, "optim.head_lr": 1e-2, "optim.norm_statistics": "batch"})
    manifest = data.prepare(wanted.photos, wanted.data)
    plan = make_plan(wanted, manifest, lambda _: None)
    steps = make_loader(plan, manifest).steps_per_epoch
    module = Classifier(plan.network, plan.preprocess, plan.schedule(steps), plan.settings)
    return plan, module, PhotoDataModule(manifest, plan.preprocess, plan.settings)


def trainer(place: Path, logger: Any, *callbacks: Any, epochs: int = 3) -> Trainer:
    return Trainer(
        accelerator="cpu", devices=1, max_epochs=epochs, logger=logger, callbacks=list(callbacks), log_every_n_steps=1,
        default_root_dir=place, enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip


def backbone_of(module: Classifier) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in module.network.backbone.named_parameters()}


def test_it_learns_under_a_users_own_trainer_with_logger_monitor_and_checkpoint(made: Made, tmp_path: Path) -> None:
    _, module, photos = made
    best = ModelCheckpoint(tmp_path / "kept", monitor="val_top1", mode="max")
    run = trainer(tmp_path, TensorBoardLogger(tmp_path / "logs"), LearningRateMonitor("step"), best, epochs=12)
    run.fit(module, datamodule=photos)
    assert list((tmp_path / "logs").rglob("events.out.tfevents.*"))
    assert Path(best.best_model_path).is_file()
    assert float(run.callback_metrics["val_top1"]) > 0.6  # chance is a third


def test_the_rates_that_are_logged_are_those_of_the_schedule(made: Made, tmp_path: Path) -> None:
    _, module, photos = made
    trainer(tmp_path, CSVLogger(tmp_path), LearningRateMonitor("step"), epochs=1).fit(module, datamodule=photos)
    optimizer: Any = module.trainer.optimizers[0]
    state = module.schedule.at(module.global_step)
    for group in optimizer.param_groups:
        assert group["lr"] == pytest.approx(state.lr(group["depth"], group["role"]))


def test_what_a_phase_freezes_stays_bit_for_bit_and_moves_in_the_next(made: Made, tmp_path: Path) -> None:
    _, module, photos = made
    start = backbone_of(module)
    trainer(tmp_path, False, epochs=1).fit(module, datamodule=photos)
    assert all(torch.equal(tensor, start[name]) for name, tensor in backbone_of(module).items())
    trainer(tmp_path, False, epochs=3).fit(module, datamodule=photos, ckpt_path=None)
    assert any(not torch.equal(tensor, start[name]) for name, tensor in backbone_of(module).items())


def test_training_step_returns_the_mean_loss_of_the_batch(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    plan, module, photos = made
    batch = next(iter(photos.val_dataloader()))
    monkeypatch.setattr(module, "log", lambda *_, **__: None)
    loss = module.training_step(batch, 0)
    smoothing = plan.settings.optim.label_smoothing
    expected = torch.nn.functional.cross_entropy(module(batch[0]), batch[1], label_smoothing=smoothing)
    assert torch.allclose(loss, expected, atol=1e-6)


@pytest.mark.parametrize("flags", [{"optim.l2_sp": 1.0}])
def test_what_fit_alone_does_is_refused(settings: Any, flags: dict[str, Any]) -> None:
    wanted = settings(**flags)
    manifest = data.prepare(wanted.photos, wanted.data)
    plan = make_plan(wanted, manifest, lambda _: None)
    schedule = plan.schedule(make_loader(plan, manifest).steps_per_epoch)
    with pytest.raises(
        UsageError, match=r"l2_sp and distill have no effect under your own Trainer; leave them out, or use"
    ):
        Classifier(plan.network, plan.preprocess, schedule, plan.settings)
