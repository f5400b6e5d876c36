"""The settings of one run, whole."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from visionft.settings.applicability import ALWAYS, CONTINUED, FRESH, LEARNT, TIMED, TRAINED
from visionft.settings.data import AugmentSettings, ClassesSettings, DataSettings
from visionft.settings.method import MOVES_BASE, FullMethod, HeadMethod, Method, PrototypesMethod
from visionft.settings.node import Auto, Place, Settings, Word
from visionft.settings.own_names import is_own
from visionft.settings.training import (
    DistillationSettings,
    EmbeddingSettings,
    HardwareSettings,
    LabelsSettings,
    OptimSettings,
)
from visionft.tasks.registry import DEFAULT, TASKS, spec_of
from visionft.wording.did_you_mean import did_you_mean
from visionft.wording.lists import some


class PreprocessSettings(Settings):
    """How a photo becomes the network's input; unset values are the weights' own."""

    size: Annotated[
        Annotated[int, Field(ge=16, le=2048)] | Annotated[str, Field(pattern=r"^\d{1,5}x\d{1,5}$")] | None, ALWAYS
    ] = None
    """Side of the square input in pixels, or HEIGHTxWIDTH."""
    mode: Annotated[Literal["auto", "crop", "pad", "squash"], ALWAYS] = "auto"
    """`crop`: short side resized, centre kept; `pad`: long side resized, borders filled with the mean (letterbox);
    `squash`: the ratio of sides is given up; auto: crop, but where a tenth of the photos or more are twice as long for
    their width as the input, or half, the one whose head, solved on frozen features, answers validation photos best."""
    crop_pct: Annotated[Annotated[float, Field(gt=0.0, le=1.0)] | None, ALWAYS] = None
    """Share of the resized short side that the centre crop keeps."""

    @field_validator("size")
    @classmethod
    def _both_sides(cls, value: int | str | None) -> int | str | None:
        if not isinstance(value, str):
            return value
        height, width = map(int, value.split("x"))
        if min(height, width) < 16 or max(height, width) > 2048:
            raise ValueError(f"preprocess.size: {value} has a side outside 16 to 2048; give one such as 192x256")
        return height if height == width else f"{height}x{width}"

    @property
    def sides(self) -> tuple[int, int] | None:
        """(H, W) of the input in pixels; None: the weights' own."""
        if self.size is None:
            return None
        height, _, width = str(self.size).partition("x")
        return int(height), int(width or height)


class ReportSettings(Settings):
    """What report.html shows; nothing of the training depends on it."""

    pictures: Annotated[Literal["all", "none"], ALWAYS] = "all"
    """`none` leaves every photo out of the report: for photos that must not travel."""


class FitSettings(Settings):
    """Everything that decides a run. `auto` values are resolved into a new object, which is saved with the reasons."""

    photos: Annotated[Place, ALWAYS]
    """A folder of class folders, or a CSV/Parquet manifest."""
    task: Annotated[Word, ALWAYS] = DEFAULT
    """What is learnt: the name of a task."""
    loss: Annotated[Word | None, TRAINED] = None
    """The training loss by its name: one of the task's; none: the first of its task. `own:NAME` stands in the settings
    of a run whose loss is a Python function, which is given again as `visionft.fit(loss=...)`."""
    backbone: Annotated[Word, ALWAYS] = "auto"
    """A timm model name, such as mobilenetv3_large_100.ra_in1k; auto: one that suits the hardware."""
    weights: Annotated[Word, FRESH] = "auto"
    """`hub`: the pretrained weights that timm knows by the backbone's name; `none`: from scratch; a path: a safetensors
    or torch file; auto: hub, and those of visionft_pico where the hub does not answer and no backbone was named."""
    from_run: Annotated[Place | None, CONTINUED] = None
    """A finished run to go on from, instead of pretrained weights: its network, its transform, and the rows of its head
    whose classes the photos have."""
    distill: Annotated[Place | None, LEARNT] = None
    """A finished run that teaches this one, usually of a larger backbone: both see the same augmented views
    (distillation, arXiv 1503.02531, 2106.05237)."""
    head: Annotated[Literal["linear", "mlp", "cosine"], ALWAYS] = "linear"
    """The new head."""
    method: Annotated[Method, ALWAYS] = FullMethod()
    """The fine-tuning method; `--method NAME` is short for `--method.name NAME`."""
    epochs: Annotated[Annotated[int, Field(ge=0, le=10_000)] | Auto, TIMED] = "auto"
    """Passes over the training photos after the head is solved; 0: none."""
    out: Annotated[Place | Auto, ALWAYS] = "auto"
    """The run's folder; auto: runs/PHOTOS-METHOD-BACKBONE."""
    seed: Annotated[int, Field(ge=0, lt=2**31), ALWAYS] = 0
    """All random numbers are pure functions of this and of (epoch, sample) or (step)."""
    retention: Annotated[Place | None, ALWAYS] = None
    """Photos of an earlier task, a labelled folder or manifest: fit then measures how well the features tell their
    classes apart, before and after (k-NN, arXiv 1805.01978). It changes nothing of the training."""
    apply: Annotated[Place | None, ALWAYS] = None
    """A suggestions.csv of `visionft audit`, or a part of it, or the corrections.csv of `visionft review`: photos are
    left out, get another class or stay together as its rows say. No photo is touched."""
    data: DataSettings = DataSettings()
    """How the photos are read, split and kept."""
    classes: ClassesSettings = ClassesSettings()
    """What becomes of an earlier run's classes."""
    preprocess: PreprocessSettings = PreprocessSettings()
    """How a photo becomes the network's input."""
    augment: AugmentSettings = AugmentSettings()
    """Random changes of the training photos."""
    optim: OptimSettings = OptimSettings()
    """The optimisation."""
    labels: LabelsSettings = LabelsSettings()
    """How several labels are chosen."""
    embedding: EmbeddingSettings = EmbeddingSettings()
    """The embedding that is learnt."""
    distillation: DistillationSettings = DistillationSettings()
    """What is learnt from the run that teaches."""
    hardware: HardwareSettings = HardwareSettings()
    """What the work runs on."""
    report: ReportSettings = ReportSettings()
    """What report.html shows."""

    @field_validator("method", mode="before")
    @classmethod
    def _name_alone(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value

    @field_validator("task")
    @classmethod
    def _known(cls, task: str) -> str:
        if task not in TASKS:
            raise ValueError(f"task: there is no {task}{did_you_mean(task, list(TASKS))}; give one of {some(TASKS)}")
        return task

    @model_validator(mode="after")
    def _of_the_task(self) -> FitSettings:
        spec = spec_of(self.task)
        for name, value, known in (("loss", self.loss, spec.losses), ("head", self.head, spec.heads)):
            if value is not None and value not in known and not (name == "loss" and is_own(value)):
                raise ValueError(f"{name}: the task {self.task} has no {value}; give one of {some(known)}")
        return self

    @model_validator(mode="after")
    def _has_prototypes(self) -> FitSettings:
        if not isinstance(self.method, PrototypesMethod):
            return self
        if "prototypes" not in spec_of(self.task).stages:
            raise ValueError(
                f"method: prototypes are of classes, one for each photo, and the task {self.task} has "
                f"{spec_of(self.task).answers}; give --method head"
            )
        if self.head != "linear":
            raise ValueError(f"head: prototypes are a linear head, and {self.head} is given; leave it out")
        return self

    @model_validator(mode="after")
    def _compares_whole_batches(self) -> FitSettings:
        spec, pieces, batch = spec_of(self.task), self.optim.micro_batch, self.optim.batch_size
        loss = self.loss or spec.losses[0]
        if loss in spec.compares and pieces != "auto" and (batch == "auto" or pieces < batch):
            raise ValueError(
                f"optim.micro_batch: {pieces} is a part of a batch ({batch}), and the loss {loss} compares all photos "
                "of a batch with one another; leave it out"
            )
        return self

    @model_validator(mode="after")
    def _weighs_its_own_loss(self) -> FitSettings:
        if is_own(self.loss) and self.optim.class_weights != "none":
            raise ValueError(
                f"optim.class_weights: {self.optim.class_weights} weighs the task's loss, and this one is {self.loss}; "
                "weigh in that function, and leave the setting out"
            )
        if is_own(self.loss) and self.optim.logit_adjustment:
            raise ValueError(
                f"optim.logit_adjustment: {self.optim.logit_adjustment:g} is of the task's loss, and this one is "
                f"{self.loss}; adjust in that function, and leave the setting out"
            )
        return self

    @model_validator(mode="after")
    def _corrects_once(self) -> FitSettings:
        optim, sampling = self.optim, self.data.sampling
        given = {
            f"data.sampling: {sampling}": sampling != "uniform",
            f"optim.class_weights: {optim.class_weights}": optim.class_weights != "none",
            f"optim.logit_adjustment: {optim.logit_adjustment:g}": optim.logit_adjustment > 0,
        }
        asked = [name for name, there in given.items() if there]
        if len(asked) > 1:
            raise ValueError(f"{asked[0]} makes up for rare classes, and so does {some(asked[1:])}; give one of them")
        if optim.class_weights == "effective" and "long_tail" not in spec_of(self.task).stages:
            raise ValueError(
                f"optim.class_weights: effective counts the photos of classes, and the task {self.task} has "
                f"{spec_of(self.task).answers}; give balanced, or leave it out"
            )
        return self

    @model_validator(mode="after")
    def _pulled_weights_move(self) -> FitSettings:
        if self.optim.l2_sp and not isinstance(self.method, MOVES_BASE):
            raise ValueError(
                f"optim.l2_sp: {self.optim.l2_sp:g} pulls the backbone back to its start, and the method "
                f"{self.method.name} leaves the backbone as it is; leave it out, or give --method full, gradual, "
                "bitfit or norm"
            )
        return self

    @model_validator(mode="after")
    def _taught_by_epochs(self) -> FitSettings:
        of_head = isinstance(self.method, HeadMethod) and self.method.solver != "epochs" and self.head == "linear"
        solved = of_head or isinstance(self.method, PrototypesMethod)
        if self.distill is not None and (solved or self.epochs == 0):
            raise ValueError(
                f"distill: {self.distill} teaches in epochs, and there are none; leave it out, or give "
                + ("--method full, or --method head with --method.solver epochs" if solved else "--epochs from 1")
            )
        return self
