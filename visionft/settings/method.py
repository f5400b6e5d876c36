"""Settings of the fine-tuning method: one member of the union for each."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from visionft.settings.tree import Auto, Count, Rate, Settings, Share


class HeadMethod(Settings):
    """Linear probe: the backbone stays as it is, only the new head is learnt."""

    name: Literal["head"] = "head"
    solver: Literal["auto", "lbfgs", "epochs"] = "auto"
    """`lbfgs` solves a multinomial logistic regression on cached features (linear heads); `epochs` trains it."""


class FullMethod(Settings):
    """All weights are trained, after the head was solved on frozen features (LP-FT, arXiv 2202.10054)."""

    name: Literal["full"] = "full"
    head_first: bool | Auto = "auto"
    """Solve or train the head before the backbone moves; auto: unless the backbone starts from scratch."""


class Phase(Settings):
    """A stretch of epochs in which the top share of the depth map is trained."""

    epochs: Count
    """Epochs that this phase lasts."""
    unfreeze: Share = 1.0
    """Share of the backbone's depth that is trained, from the top: 0 the head alone, 1 everything."""
    lr: Rate | Auto = "auto"
    """Peak learning rate of this phase; auto: the run's."""
    layer_decay: Annotated[float, Field(gt=0.0, le=1.0)] | Auto = "auto"
    """Factor on the rate for each level down the depth map; auto: the run's."""


class GradualMethod(Settings):
    """Freeze schedule: phases over the depth map, each with its own rates (gradual unfreezing, arXiv 1801.06146)."""

    name: Literal["gradual"] = "gradual"
    head_first: bool | Auto = "auto"
    """Solve or train the head before the first phase; auto: unless the backbone starts from scratch."""
    phases: tuple[Phase, ...] | Auto = "auto"
    """The phases in order; auto: the top third, the top two thirds, then all, over `epochs`."""
    cycles: Count = 1
    """How often the phases are gone through; layers freeze again at the start of each cycle."""


Method = Annotated[HeadMethod | FullMethod | GradualMethod, Field(discriminator="name")]
METHODS: dict[str, type[HeadMethod | FullMethod | GradualMethod]] = {
    "head": HeadMethod,
    "full": FullMethod,
    "gradual": GradualMethod,
}
