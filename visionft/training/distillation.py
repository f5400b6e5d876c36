"""The loss of a student: its own labels, its teacher's answers, its teacher's features (arXiv 1503.02531)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from visionft.backbones import Network
from visionft.planning.teacher import Teacher, TeacherOutputs, resized
from visionft.preprocess import Preprocess
from visionft.settings import DistillationSettings


class Distillation(nn.Module):
    """Compare a student with its teacher on the same views.

    With the temperature T, the student's answers s and the teacher's t, the sum over the batch is
    truth * loss(labels) + (1 - truth) * T^2 KL(t_T || s_T) + features * (1 - cos(P f_s, f_t)); P is the identity where
    both have features of one width.

    Args:
        teacher: what to learn from.
        student: the network that learns.
        settings: weights of the three parts and T.
        preprocess: the student's.
        size: (H, W) of the student's training crops, in pixels.
        seed: of the projection's start.
    """

    def __init__(
        self,
        teacher: Teacher,
        student: Network,
        settings: DistillationSettings,
        preprocess: Preprocess,
        size: tuple[int, int],
        seed: int,
    ) -> None:
        super().__init__()
        self.teacher, self.settings, self.preprocess, self.size = teacher, settings, preprocess, size
        self.projection: nn.Module = nn.Identity()
        if settings.features and student.features != teacher.network.features:
            torch.manual_seed(seed)
            self.projection = nn.Linear(student.features, teacher.network.features)

    def student_view(self, x: Tensor) -> Tensor:
        """Return the views (B, 3, h, w) as the student sees them."""
        return resized(x, self.size)

    def outputs(self, x: Tensor, indices: Tensor) -> TeacherOutputs:
        """Ask the teacher about the views (B, 3, h, w) of training photos (B,)."""
        return self.teacher.outputs(x, self.preprocess, indices)

    def forward(self, logits: Tensor, features: Tensor, taught: TeacherOutputs, truth: Tensor) -> Tensor:
        """Return the loss summed over the batch, in fp32.

        Args:
            logits: (B, C) of the student.
            features: (B, D) of the student.
            taught: the teacher's.
            truth: the loss against the labels, summed over the batch.
        """
        s, weights = logits.float(), self.settings
        t = weights.temperature
        told = F.kl_div(F.log_softmax(s / t, 1), F.log_softmax(taught.logits / t, 1), reduction="sum", log_target=True)
        loss = weights.truth * truth + (1 - weights.truth) * t * t * told
        if not weights.features:
            return loss
        projected = self.projection(features).float()
        return loss + weights.features * (1 - F.cosine_similarity(projected, taught.features, dim=1)).sum()
