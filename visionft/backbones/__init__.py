"""timm backbones: creation, weights and licences, heads, depth, cutting, the transform of the weights, inference."""

from visionft.backbones.create import (
    CPU_BACKBONE,
    GPU_BACKBONE,
    OFFLINE_BACKBONE,
    create,
    parts_of,
    structure,
    takes_any_size,
)
from visionft.backbones.cut import Cut, cut
from visionft.backbones.data_config import preprocess
from visionft.backbones.depth_map import DepthMap, depth_map
from visionft.backbones.grow_head import regrow
from visionft.backbones.heads import CosineHead, HeadKind, LinearHead, MlpHead
from visionft.backbones.hub import require_obtainable
from visionft.backbones.inference import Forward, eval_mode, forward_batches, forward_context, normalise
from visionft.backbones.model_names import is_place, registered, same_backbone, slug
from visionft.backbones.network import Network
from visionft.backbones.own_network import store_network
from visionft.backbones.prototype_head import PrototypeHead, with_space
from visionft.backbones.rewrites.frozen_bn import norms_carried
from visionft.backbones.rewrites.fuse_bn import store_weight
from visionft.backbones.rewrites.relu6 import relu6_kept_once
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
    "PrototypeHead",
    "WeightSource",
    "create",
    "cut",
    "depth_map",
    "eval_mode",
    "forward_batches",
    "forward_context",
    "is_place",
    "normalise",
    "norms_carried",
    "parts_of",
    "preprocess",
    "registered",
    "regrow",
    "relu6_kept_once",
    "require_obtainable",
    "same_backbone",
    "sha256",
    "slug",
    "store_network",
    "store_weight",
    "structure",
    "takes_any_size",
    "with_space",
]
