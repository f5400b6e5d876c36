"""Settings of the optimisation, of early stopping and of the hardware."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from visionft.settings.applicability import (
    ALWAYS,
    BACKBONE,
    CLASSED,
    EFFECTIVE,
    LONG_TAILED,
    PROJECTED,
    RATED,
    SAMPLED,
    SEVERAL,
    SMOOTHED,
    TAUGHT,
    TRAINED,
)
from visionft.settings.node import Auto, Count, Rate, Settings, Share


class OptimSettings(Settings):
    """AdamW under warm-up and cosine decay."""

    lr: Annotated[Rate | Auto, RATED] = "auto"
    """Peak learning rate of the top of the backbone."""
    head_lr: Annotated[Rate | Auto, TRAINED] = "auto"
    """Peak learning rate of the head; auto: `lr` for a solved head, else ten times `lr`."""
    layer_decay: Annotated[Annotated[float, Field(gt=0.0, le=1.0)] | Auto, BACKBONE] = "auto"
    """Factor on the rate for each level down the depth map (arXiv 2106.08254 uses 0.65 to 0.75 for ViTs)."""
    weight_decay: Annotated[float, Field(ge=0.0, le=1.0), TRAINED] = 0.05
    """Decoupled weight decay of weight matrices; biases and norms have none."""
    l2_sp: Annotated[float, Field(ge=0.0, le=10_000.0), TRAINED] = 0.0
    """Pull of the backbone's trained weights towards their start, in place of weight decay (L2-SP, arXiv 1802.01483):
    w -= lr * l2_sp * (w - start) after each step; 0 switches it off."""
    batch_size: Annotated[Count | Auto, TRAINED] = "auto"
    """Photos in one optimizer step."""
    micro_batch: Annotated[Count | Auto, TRAINED] = "auto"
    """Photos in one forward pass; smaller than `batch_size` accumulates gradients."""
    warmup: Annotated[Share, TRAINED] = 0.1
    """Share of each phase's steps in which the rate rises linearly from zero."""
    label_smoothing: Annotated[float, Field(ge=0.0, lt=1.0), SMOOTHED] = 0.1
    """Mass moved from the true class to all classes in the training loss."""
    class_weights: Annotated[Literal["none", "effective", "balanced"], CLASSED] = "none"
    """`balanced` weighs each class by the inverse of its share of the training photos; where a photo may have several
    labels, those that have a label and those that lack it. `effective`: by the inverse of the effective number of its
    photos (arXiv 1901.05555), of classes alone, which is milder to classes with many."""
    effective_beta: Annotated[Annotated[float, Field(ge=0.0, lt=1.0)], EFFECTIVE] = 0.999
    """Beta of the effective number (1 - beta^n) / (1 - beta) of n photos; 0 weighs classes alike, towards 1 it becomes
    `balanced`."""
    logit_adjustment: Annotated[float, Field(ge=0.0, le=10.0), LONG_TAILED] = 0.0
    """Tau of the logit-adjusted loss (arXiv 2007.07314): in training, tau times the log of each class's share is added
    to its logit, so that answers are those of classes that are all as frequent; 1 is the paper's; 0 switches it off."""
    ema: Annotated[Annotated[float, Field(ge=0.0, lt=1.0)] | Auto, TRAINED] = "auto"
    """Decay a step of the exponential moving average of the weights, which is what is exported; 0 switches it off."""
    norm_statistics: Annotated[Literal["auto", "batch", "frozen"], BACKBONE] = "auto"
    """Batch norms of the backbone: `frozen` keeps the pretrained running statistics while weights train; `batch` goes
    on estimating them; auto: frozen with pretrained weights."""
    clip: Annotated[float, Field(ge=0.0), TRAINED] = 1.0
    """Largest norm of the gradient; 0 switches clipping off."""
    patience: Annotated[Count | None, TRAINED] = None
    """Early stopping: epochs without a lower validation loss before training ends; none: off."""


class EmbeddingSettings(Settings):
    """The embedding that is learnt: a projection of the backbone's features, of length 1."""

    size: Annotated[Annotated[int, Field(ge=2, le=4096)] | Auto, PROJECTED] = "auto"
    """Numbers of an embedding, at most the backbone's width; auto: 256, or that width where it is smaller."""
    per_class: Annotated[Annotated[int, Field(ge=1, le=1024)], SAMPLED] = 4
    """Photos of one class that follow one another in the training's order, so that a batch of B holds about B / this
    many classes; 1: photos come in any order."""


class LabelsSettings(Settings):
    """How labels are chosen where a photo may have several."""

    at_least_one: Annotated[bool, SEVERAL] = False
    """Choose the most probable label where no label reaches its threshold, so that no photo has none."""
    precision: Annotated[Annotated[float, Field(gt=0.0, lt=1.0)] | None, SEVERAL] = None
    """Precision that the threshold of each label holds on validation with 95 % confidence, choosing as many photos as
    that allows; a label that no threshold holds it for is never chosen; none: the threshold of the best F1."""


class DistillationSettings(Settings):
    """What is learnt from the run that teaches (`distill`)."""

    temperature: Annotated[float, Field(gt=0.0, le=100.0), TAUGHT] = 2.0
    """Logits of both are divided by it before their answers are compared (arXiv 1503.02531); above 1, what the teacher
    says of the unlikely classes counts more."""
    truth: Annotated[Share, TAUGHT] = 0.3
    """Weight of the photos' own labels; the rest is the teacher's answers."""
    features: Annotated[float, Field(ge=0.0, le=1000.0), TAUGHT] = 1.0
    """Weight of the distance of the features from the teacher's, 1 - cosine, through a learnt projection where their
    widths differ; 0: answers alone."""


class HardwareSettings(Settings):
    """What the work runs on."""

    device: Annotated[Literal["auto", "cpu", "cuda"], ALWAYS] = "auto"
    """`auto` takes the first CUDA device, else the processor."""
    precision: Annotated[Literal["auto", "fp32", "bf16", "fp16"], TRAINED] = "auto"
    """Arithmetic of training; final figures are always computed in fp32."""
    workers: Annotated[Annotated[int, Field(ge=0, le=256)] | Auto, ALWAYS] = "auto"
    """Processes that decode and augment photos; 0: the threads of training do it, between two steps."""
    threads: Annotated[Count | Auto, ALWAYS] = "auto"
    """Threads of the arithmetic on the processor."""
    channels_last: Annotated[bool | Auto, TRAINED] = "auto"
    """Keep pixels in NHWC memory order, which convolutions like."""
    compile: Annotated[bool, TRAINED] = False
    """torch.compile the network; pays back in long runs on a GPU."""
    gradient_checkpointing: Annotated[bool, BACKBONE] = False
    """Compute blocks again in the backward pass instead of keeping their activations: less memory, one more forward
    pass (arXiv 1604.06174)."""
    prefix_bytes: Annotated[int, Field(ge=0), TRAINED] = 4_000_000_000
    """Bytes that the remembered outputs of a frozen part may take (for `augment.views`, then for validation photos): in
    memory up to a gigabyte each, above that in a temporary file on the disk of the run's folder; where they need more,
    every epoch computes them again. Where nothing is frozen: bytes of the validation photos' pixels, in memory."""
    checkpoint_seconds: Annotated[float, Field(ge=0.0), TRAINED] = 300.0
    """Longest time between two checkpoints, in seconds; one is also written at every epoch's end."""
