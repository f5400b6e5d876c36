"""Settings of the fine-tuning method: one member of the union for each."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field

from visionft.settings.applicability import ADDED, ALWAYS, SOLVABLE, TRAINED
from visionft.settings.node import Auto, Count, Rate, Settings, Share, Word


class HeadMethod(Settings):
    """Linear probe: the backbone stays as it is, only the new head is learnt."""

    name: Literal["head"] = "head"
    solver: Annotated[Literal["auto", "lbfgs", "epochs"], SOLVABLE] = "auto"
    """`lbfgs` solves a multinomial logistic regression on cached features (linear heads); `epochs` trains it."""


class PrototypesMethod(Settings):
    """The mean features of each class stand for it, nothing is learnt by steps (prototypes, arXiv 1703.05175)."""

    name: Literal["prototypes"] = "prototypes"


class FullMethod(Settings):
    """All weights are trained, after the head was solved on frozen features (LP-FT, arXiv 2202.10054)."""

    name: Literal["full"] = "full"
    head_first: Annotated[bool | Auto, ALWAYS] = "auto"
    """Solve or train the head before the backbone moves; auto: unless the backbone starts from scratch."""


class Phase(Settings):
    """A stretch of epochs in which the top share of the depth map is trained."""

    epochs: Annotated[Count, ALWAYS]
    """Epochs that this phase lasts."""
    unfreeze: Annotated[Share, ALWAYS] = 1.0
    """Share of the backbone's depth that is trained, from the top: 0 the head alone, 1 everything."""
    lr: Annotated[Rate | Auto, ALWAYS] = "auto"
    """Peak learning rate of this phase; auto: the run's."""
    layer_decay: Annotated[Annotated[float, Field(gt=0.0, le=1.0)] | Auto, ALWAYS] = "auto"
    """Factor on the rate for each level down the depth map; auto: the run's."""


class GradualMethod(Settings):
    """Freeze schedule: phases over the depth map, each with its own rates (gradual unfreezing, arXiv 1801.06146)."""

    name: Literal["gradual"] = "gradual"
    head_first: Annotated[bool | Auto, ALWAYS] = "auto"
    """Solve or train the head before the first phase; auto: unless the backbone starts from scratch."""
    phases: Annotated[tuple[Phase, ...] | Auto, TRAINED] = "auto"
    """The phases in order; auto: the top third, the top two thirds, then all, over `epochs`."""
    cycles: Annotated[Count, TRAINED] = 1
    """How often the phases are gone through; layers freeze again at the start of each cycle."""


class _Added(Settings):
    """What the methods share that train something beside a frozen backbone."""

    head_first: Annotated[bool | Auto, ALWAYS] = "auto"
    """Solve or train the head before the rest; auto: unless the backbone starts from scratch."""
    unfreeze: Annotated[float, Field(gt=0.0, le=1.0), ALWAYS] = 1.0
    """Share of the backbone's depth that is adapted, from the top."""


class _LowRank(_Added):
    rank: Annotated[int, Field(ge=1, le=1024), ALWAYS] = 8
    """Rank r of the update of each adapted layer."""
    alpha: Annotated[float, Field(gt=0.0, le=4096.0), ALWAYS] = 16.0
    """Scale of the update: alpha / r, or alpha / sqrt(r) with rslora."""
    dropout: Annotated[float, Field(ge=0.0, lt=1.0), ADDED] = 0.0
    """Probability of dropout before the low-rank branch, or between the two layers of an adapter."""
    rslora: Annotated[bool, ALWAYS] = False
    """Scale by alpha / sqrt(r), which stays stable at high ranks (arXiv 2312.03732)."""
    lr_ratio: Annotated[float, Field(ge=1.0, le=1024.0), ADDED] = 1.0
    """Rate of B over the rate of A (LoRA+, arXiv 2402.12354: 16 with a lower `lr` is a good start); 1: plain LoRA."""
    targets: Annotated[Word, ALWAYS] = "all"
    """Which layers: `attention`, `mlp`, `all`; `q`, `v` or `qv` of the attention; or a regular expression that matches
    whole module names, such as blocks\\.\\d+\\.attn\\.qkv."""


class LoraMethod(_LowRank):
    """Low-rank updates W + (alpha / r) B A of frozen weights (LoRA, arXiv 2106.09685)."""

    name: Literal["lora"] = "lora"
    base_dtype: Annotated[Literal["fp32", "bf16"], ALWAYS] = "fp32"
    """How the frozen matrices are stored; `bf16` halves their memory."""


class QloraMethod(_LowRank):
    """LoRA over frozen matrices that are stored in 4 or 8 bits (QLoRA, arXiv 2305.14314)."""

    name: Literal["qlora"] = "qlora"
    quantization: Annotated[Literal["nf4", "int8"], ALWAYS] = "nf4"
    """How the frozen matrices are stored: NormalFloat in 4 bits by bitsandbytes, or whole numbers of 8 bits a row."""


class AdapterMethod(_Added):
    """Bottlenecks parallel to each block's MLP, everything else frozen (AdaptFormer, arXiv 2205.13535)."""

    name: Literal["adapter"] = "adapter"
    width: Annotated[int, Field(ge=1, le=4096), ALWAYS] = 64
    """Width of the bottleneck."""
    scale: Annotated[float, Field(gt=0.0, le=10.0), ALWAYS] = 0.1
    """Factor on the bottleneck's output."""
    dropout: Annotated[float, Field(ge=0.0, lt=1.0), ADDED] = 0.0
    """Probability of dropout before the low-rank branch, or between the two layers of an adapter."""


class PromptMethod(_Added):
    """Learnable tokens beside those of the photo, everything else frozen (visual prompt tuning, arXiv 2203.12119)."""

    name: Literal["prompt"] = "prompt"
    tokens: Annotated[int, Field(ge=1, le=1024), ALWAYS] = 10
    """Learnable tokens of each prompted block."""
    deep: Annotated[bool, ALWAYS] = True
    """New tokens for every block; else one set that runs through all blocks."""


class BitfitMethod(_Added):
    """The biases alone, those of the norms included (BitFit, arXiv 2106.10199)."""

    name: Literal["bitfit"] = "bitfit"


class NormMethod(_Added):
    """The scales and shifts of the normalisation layers alone (arXiv 2003.00152)."""

    name: Literal["norm"] = "norm"


AnyMethod = (
    HeadMethod
    | PrototypesMethod
    | FullMethod
    | GradualMethod
    | LoraMethod
    | QloraMethod
    | AdapterMethod
    | PromptMethod
    | BitfitMethod
    | NormMethod
)
Method = Annotated[AnyMethod, Field(discriminator="name")]
METHODS: dict[str, type[AnyMethod]] = {str(kind.model_fields["name"].default): kind for kind in get_args(AnyMethod)}
HEAD_ALONE = (HeadMethod, PrototypesMethod)
"""The methods that have nothing but a new head."""
MOVES_BASE = (FullMethod, GradualMethod, BitfitMethod, NormMethod)
"""The methods that change parameters which the backbone brought along."""
