"""Turn "auto" into values with reasons, from the photos, the hardware and the backbone; once, before step 0."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch

from visionft import backbones
from visionft.backbones import Network
from visionft.compat.torch_private import is_batch_norm
from visionft.errors import UsageError
from visionft.machine.cores import cores
from visionft.machine.devices import pick_device
from visionft.planning.choices import Choice, open_ones, put
from visionft.settings import HEAD_ALONE, FitSettings, HeadMethod
from visionft.tasks.registry import spec_of

PHOTOS_TO_SEE = {"cpu": 12_000, "cuda": 60_000}  # epochs are chosen so that about as many are trained on
EPOCHS = {"cpu": (4, 20), "cuda": (6, 40)}
SCRATCH_EPOCHS = 30
FEW_CLASSES = 10  # photos of which, at 100 each, are enough for a number too
FEW_CORES = 8  # Python is a third of decoding a photo: more threads than that wait for one another
EMBEDDING = 256  # written where there is nothing to decide, so that a record holds no "auto"
HeadState = Literal["new", "grown", "kept"]
EFFICIENT_RATES = {"lora": 1e-3, "qlora": 1e-3, "adapter": 1e-3, "prompt": 5e-3, "bitfit": 1e-3, "norm": 1e-3}


@dataclass(frozen=True)
class Facts:
    """What the choices depend on.

    Attributes:
        photos: training photos.
        classes: number of classes.
        batch_norms: the backbone normalises over batches.
        convolutional: convolutions do much of the work.
        any_size: the backbone takes inputs of any size.
        input_size: (H, W) of evaluation.
        pretrained: the backbone starts from pretrained weights.
        head: `new`; `grown`, with rows of an earlier run beside new ones; or `kept`, with an earlier run's rows alone.
        outputs: numbers that the head answers with.
    """

    photos: int
    classes: int
    batch_norms: bool
    convolutional: bool
    any_size: bool
    input_size: tuple[int, int]
    pretrained: bool
    head: HeadState = "new"
    outputs: int = 1

    @classmethod
    def of(
        cls,
        network: Network,
        photos: int,
        classes: int,
        input_size: tuple[int, int],
        pretrained: bool,
        head: HeadState = "new",
    ) -> Facts:
        """Read the facts off a network."""
        return cls(
            photos,
            classes,
            batch_norms(network),
            network.convolutional,
            backbones.takes_any_size(network),
            input_size,
            pretrained,
            head,
            network.num_classes,
        )


def resolve_machine(settings: FitSettings, processes: int = 1) -> tuple[FitSettings, list[Choice]]:
    """Choose device, threads, workers and backbone: what must be known before the network exists.

    Args:
        settings: as wanted.
        processes: of the fit on this machine, which share its cores.
    """
    device = pick_device(settings.hardware.device)
    n = max(1, cores() // processes)
    backbone = backbones.CPU_BACKBONE if device == "cpu" else backbones.GPU_BACKBONE
    offered = [
        Choice("hardware.device", device, "a CUDA device is here" if device == "cuda" else "torch sees no CUDA device"),
        _threads(n, processes),
        _workers(device, n),
        Choice(
            "backbone", backbone, f"accurate for its speed on a {'processor' if device == 'cpu' else 'GPU'}, Apache-2.0"
        ),
    ]
    made = open_ones(settings, offered)
    return put(settings, made), made


def _threads(n: int, processes: int) -> Choice:
    if processes == 1:
        return Choice("hardware.threads", torch.get_num_threads(), "one a core")
    # torchrun sets OMP_NUM_THREADS to 1, whatever there is room for
    return Choice("hardware.threads", n, f"{cores()} cores, shared by {processes} processes")


def _workers(device: str, n: int) -> Choice:
    """Choose none where training needs every core; on many, Python's lock would keep most of them idle."""
    if device == "cuda":
        return Choice("hardware.workers", min(n, 16), f"{n} cores, feeding a GPU")
    if n <= FEW_CORES:
        return Choice("hardware.workers", 0, "training needs every core: photos are decoded between its steps")
    return Choice("hardware.workers", 2, f"{n} cores, shared with training")


def resolve_training(settings: FitSettings, facts: Facts) -> tuple[FitSettings, list[Choice]]:
    """Choose rates, epochs, batch and augmentation; precision and micro-batch are measured afterwards."""
    made: list[Choice] = []
    for offers in (_head_first, _offers, _offers_from_those):  # each looks at what those before it chose
        made += open_ones(settings, offers(settings, facts))
        settings = put(settings, made)
    return settings, made


def solves_head(settings: FitSettings) -> bool:
    """Tell whether the head is solved on features before anything is trained; `head_first` must be resolved.

    Raises:
        UsageError: a solver was asked for a head that it cannot solve.
    """
    method, linear = settings.method, settings.head == "linear"
    if not isinstance(method, HEAD_ALONE):
        return linear and bool(method.head_first)
    if not isinstance(method, HeadMethod):
        return linear
    if method.solver == "lbfgs" and not linear:
        raise UsageError(
            f"--method.solver lbfgs solves linear heads, and --head is {settings.head}; give --method.solver epochs"
        )
    return linear and method.solver != "epochs"


def _offers(settings: FitSettings, facts: Facts) -> list[Choice]:
    device = settings.hardware.device
    batch = min(32 if device == "cpu" else 64, max(4, facts.photos // 8))
    return [
        *_rates(settings, facts),
        _epochs(settings, facts),
        _crop_size(facts),
        Choice("optim.batch_size", batch, f"{facts.photos} training photos on a {device} device"),
        Choice(
            "optim.norm_statistics",
            "frozen" if facts.pretrained else "batch",
            "small batches estimate worse than pretraining did" if facts.pretrained else "nothing is pretrained",
        ),
        *_embedding(settings, facts),
        *([] if settings.augment.pipeline else [Choice("augment.strength", *_strength(facts))]),
        Choice(
            "hardware.channels_last",
            facts.convolutional,
            "convolutions like NHWC" if facts.convolutional else "few convolutions",
        ),
    ]


def _embedding(settings: FitSettings, facts: Facts) -> list[Choice]:
    if not spec_of(settings.task).projects:
        return [Choice("embedding.size", EMBEDDING, "the task learns no embedding of its own")]
    return [Choice("embedding.size", facts.outputs, "256, or the backbone's width where that is smaller")]


def _head_first(settings: FitSettings, facts: Facts) -> list[Choice]:
    if isinstance(settings.method, HEAD_ALONE):
        return []
    if facts.head == "kept":
        return [Choice("method.head_first", False, "every class has its row from the earlier run")]
    # With the statistics that batch norms are born with, a head solved on random features starts from losses in the
    # thousands once batches bring their own.
    reason = "the backbone's features are worth reading" if facts.pretrained else "random features teach a head nothing"
    return [Choice("method.head_first", facts.pretrained, reason)]


def _rates(settings: FitSettings, facts: Facts) -> list[Choice]:
    if not facts.pretrained:
        return [
            Choice("optim.lr", 2e-3, "from scratch"),
            Choice("optim.layer_decay", 1.0, "from scratch"),
            Choice("optim.head_lr", 2e-3, "from scratch"),
        ]
    lr, decay, reason = _pretrained_rates(settings, facts)
    return [
        Choice("optim.lr", lr, reason),
        Choice("optim.layer_decay", decay, reason),
        _head_rate(settings, facts, lr if settings.optim.lr == "auto" else settings.optim.lr),
    ]


def _pretrained_rates(settings: FitSettings, facts: Facts) -> tuple[float, float, str]:
    method = settings.method.name
    if method in EFFICIENT_RATES:
        return EFFICIENT_RATES[method], 1.0, f"few parameters move, by {method}"
    if facts.batch_norms:
        return 3e-4, 1.0, "pretrained, batch-normed"
    return 1e-4, 0.8, "pretrained, layer-normed"


def _head_rate(settings: FitSettings, facts: Facts, lr: float) -> Choice:
    if solves_head(settings):
        return Choice("optim.head_lr", lr, "the head starts solved")
    if facts.head == "kept":
        return Choice("optim.head_lr", lr, "the head starts as the earlier run's")
    return Choice("optim.head_lr", min(10 * lr, 1.0), "the head starts new: ten times the backbone's rate")


def _epochs(settings: FitSettings, facts: Facts) -> Choice:
    if isinstance(settings.method, HEAD_ALONE) and solves_head(settings):
        return Choice("epochs", 0, "a linear head is solved, not trained")
    if not facts.pretrained:
        return Choice("epochs", SCRATCH_EPOCHS, "from scratch")
    least, most = EPOCHS[settings.hardware.device]
    wanted = PHOTOS_TO_SEE[settings.hardware.device]
    epochs = min(most, max(least, math.ceil(wanted / facts.photos)))
    return Choice("epochs", epochs, f"about {wanted} photos seen, at least {least} and at most {most} epochs")


def _crop_size(facts: Facts) -> Choice:
    side = min(facts.input_size)
    if not facts.any_size:
        return Choice("augment.size", side, "the backbone takes one size only")
    return Choice(
        "augment.size",
        max(32, round(side * 0.8 / 16) * 16),
        f"objects look larger in random crops than at evaluation's {side} (FixRes)",
    )


def _strength(facts: Facts) -> tuple[str, str]:
    if facts.classes == 1:  # numbers have no classes
        few = facts.photos < 100 * FEW_CLASSES
        return ("medium", f"{facts.photos} photos are few") if few else ("light", f"{facts.photos} photos")
    each = facts.photos / facts.classes
    return ("light", f"{each:.0f} photos a class") if each >= 100 else ("medium", f"{each:.0f} photos a class are few")


def _offers_from_those(settings: FitSettings, facts: Facts) -> list[Choice]:
    return [_views(settings), _averaging(settings, facts)]


def _views(settings: FitSettings) -> Choice:
    if settings.augment.start_size is not None:
        return Choice("augment.views", None, "views grow from epoch to epoch")
    if settings.augment.strength == "none":
        return Choice("augment.views", 1, "nothing is random about a view")
    return Choice("augment.views", None, "every epoch has views of its own")


def _averaging(settings: FitSettings, facts: Facts) -> Choice:
    if not settings.epochs:
        return Choice("optim.ema", 0.0, "nothing is trained by epochs")
    steps = max(1, facts.photos // int(settings.optim.batch_size)) * int(settings.epochs)
    decay = round(1 - 1 / max(10.0, min(1000.0, steps / 4)), 5)
    return Choice("optim.ema", decay, f"averages over about {1 / (1 - decay):.0f} of {steps} steps")


def batch_norms(network: Network) -> bool:
    """Tell whether the backbone normalises over batches."""
    return any(is_batch_norm(module) for module in network.backbone.modules())
