"""timm backbones: creation, weights and licences, heads, depth, cutting, the transform of the weights, inference."""

from visionft.backbones.capping import relu6_kept_once
from visionft.backbones.carrying import norms_carried
from visionft.backbones.creating import (
    CPU_BACKBONE,
    GPU_BACKBONE,
    OFFLINE_BACKBONE,
    create,
    structure,
    takes_any_size,
)
from visionft.backbones.cutting import Cut, cut
from visionft.backbones.depth import DepthMap, depth_map
from visionft.backbones.folding import store_weight
from visionft.backbones.growing import regrow
from visionft.backbones.heads import CosineHead, HeadKind, LinearHead, MlpHead
from visionft.backbones.hub import require_obtainable
from visionft.backbones.inference import Forward, evaluating, forward_batches, forwarding, normalise
from visionft.backbones.naming import is_place, registered, same_backbone, slug
from visionft.backbones.network import Network
from visionft.backbones.preprocessing import preprocess
from visionft.backbones.weights import WeightSource, sha256

__all__ = [
    "CPU_BACKBONE",
    "GPU_BACKBONE",
    "OFFLINE_BACKBONE",
    "CosineHead",
    "Cut",
    "DepthMap",
    "Forward",
    "HeadKind",
    "LinearHead",
    "MlpHead",
    "Network",
    "WeightSource",
    "create",
    "cut",
    "depth_map",
    "evaluating",
    "forward_batches",
    "forwarding",
    "is_place",
    "normalise",
    "norms_carried",
    "preprocess",
    "registered",
    "regrow",
    "relu6_kept_once",
    "require_obtainable",
    "same_backbone",
    "sha256",
    "slug",
    "store_weight",
    "structure",
    "takes_any_size",
]
