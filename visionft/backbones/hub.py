"""Pretrained weights from timm's hub: the cache first, then a quick look whether the hub answers at all."""

from __future__ import annotations

import logging
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import huggingface_hub
import timm
import torch
from huggingface_hub import constants, errors
from timm.models import PretrainedCfg
from torch import nn

from visionft.backbones.model_names import CONFIG, LOCAL, Blueprint, in_folder, parts, registered
from visionft.backbones.state_dict import INDEX_SUFFIX, require_file
from visionft.backbones.weights import WeightSource, sha256
from visionft.errors import WeightsError
from visionft.machine.process_state import quiet_loggers

ANSWER_SECONDS = 5.0  # the hub's own client retries for most of a minute before it gives up
HUB_FILES = ("model.safetensors", "pytorch_model.bin")
WAY_OUT = (
    "connect this machine, give a file with --weights FILE, or take --backbone visionft_pico, which brings its own"
)


def create_pretrained(name: str, cfg: PretrainedCfg, **arguments: Any) -> tuple[nn.Module, WeightSource]:
    """Create a timm model with its hub weights.

    Args:
        name: timm's name, with or without the tag.
        cfg: timm's registered description of the weights.
        arguments: of `timm.create_model`.

    Raises:
        WeightsError: timm has no weights of this name, or the hub is out of reach and the cache lacks them.
    """
    file = _cached_or_answered(name, cfg)
    overlay = {"file": str(file)} if file else None
    try:
        with _quietly():
            model: nn.Module = timm.create_model(name, pretrained=True, pretrained_cfg_overlay=overlay, **arguments)
    except (OSError, RuntimeError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise WeightsError(f"the pretrained weights of {name} cannot be loaded ({reason}); {WAY_OUT}") from error
    return model, _source(cfg)


def require_obtainable(name: str, weights: str | Path) -> None:
    """Look for a backbone and its weights where they are to come from; nothing is built or read.

    Args:
        name: as for `create`.
        weights: as for `create`.

    Raises:
        BackboneError: there is no such backbone.
        WeightsError: there is no such file, timm has no weights of this name, or the hub is out of reach.
    """
    plan = blueprint(name)
    if weights == "hub" and plan.known:
        _cached_or_answered(plan.known, plan.cfg)
    elif weights not in ("hub", "none"):
        require_file(Path(weights))


def _cached_or_answered(name: str, cfg: PretrainedCfg) -> Path | None:
    """Return the local file of these weights, or none where the hub answers instead; WeightsError otherwise."""
    if not cfg.has_weights:
        raise WeightsError(f"timm has no pretrained weights for {name}; name another --backbone or give --weights none")
    file = cached(cfg)
    if file is None:
        _require_answer(name, cfg)
    return file


def cached(cfg: PretrainedCfg) -> Path | None:
    """Return the local file of these weights: part of a package, or of an earlier download. No look at the network."""
    if cfg.file:
        return Path(cfg.file)
    if cfg.hf_hub_id and not cfg.hf_hub_filename and not cfg.custom_load:
        found = (huggingface_hub.try_to_load_from_cache(cfg.hf_hub_id, file) for file in HUB_FILES)
        return next((Path(path) for path in found if isinstance(path, str)), None)
    if isinstance(cfg.url, str) and not cfg.hf_hub_id and not cfg.custom_load:
        file = Path(torch.hub.get_dir(), "checkpoints", cfg.url.rpartition("/")[2])
        return file if file.is_file() else None
    return None


def blueprint(name: str) -> Blueprint:
    """Return what a name stands for, from timm's table, or a folder's or a repository's config.json.

    Raises:
        BackboneError: there is no such backbone, or its config.json cannot be used.
        WeightsError: the hub is out of reach.
    """
    source, place = parts(name)
    if source is None:
        return Blueprint(place.partition(".")[0], registered(name), place)
    return in_folder(Path(place), name) if source == LOCAL else in_folder(config_of(place), name, place)


def config_of(repository: str) -> Path:
    """Return a local folder that holds the config.json of a repository of the hub: cached, or fetched now.

    Args:
        repository: OWNER/NAME, or OWNER/NAME@REVISION.

    Raises:
        WeightsError: the hub is out of reach, or has no such repository.
    """
    return _fetched(repository, CONFIG).parent


def weights_of(plan: Blueprint, name: str) -> Path:
    """Return the file of weights in a blueprint's folder; of a repository it is fetched where it is not cached.

    Raises:
        WeightsError: there is none, or the hub is out of reach.
    """
    assert plan.folder is not None, "asked for where there is a folder alone"
    names = (*HUB_FILES, *(f"{file}{INDEX_SUFFIX}" for file in HUB_FILES))
    if found := next((plan.folder / file for file in names if (plan.folder / file).is_file()), None):
        return found
    if plan.repository is None:
        raise WeightsError(
            f"--backbone {name}: {plan.folder} has no {' or '.join(HUB_FILES)}; put one there, or name the file with "
            "--weights"
        )
    for file in HUB_FILES:
        try:
            return _fetched(plan.repository, file)
        except _MissingFileError:
            continue
    raise WeightsError(f"the repository {plan.repository} of the hub has no {' or '.join(HUB_FILES)}; {WAY_OUT}")


class _MissingFileError(WeightsError):
    """A repository lacks a file."""


def _fetched(repository: str, file: str) -> Path:
    """Return one file of a repository, from the cache where it is there."""
    place, _, revision = repository.partition("@")
    try:
        cached_file = huggingface_hub.try_to_load_from_cache(place, file, revision=revision or None)
        if isinstance(cached_file, str):
            return Path(cached_file)
        _require_hub(repository)
        return Path(huggingface_hub.hf_hub_download(place, file, revision=revision or None))
    except errors.HFValidationError as error:
        raise WeightsError(f"{repository!r} is no name of a repository; give hf-hub:OWNER/NAME") from error
    except errors.EntryNotFoundError as error:
        raise _MissingFileError(
            f"the repository {repository} of the hub has no {file}, so it is none of timm's; {WAY_OUT}"
        ) from error
    except (errors.RepositoryNotFoundError, errors.RevisionNotFoundError) as error:
        raise WeightsError(
            f"the hub has no repository {repository} that is open to everybody, or not this revision; look for its "
            "name, or log in to the hub"
        ) from error
    except OSError as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise WeightsError(f"{file} of hf-hub:{repository} cannot be fetched ({reason}); {WAY_OUT}") from error


def _require_hub(repository: str) -> None:
    if constants.HF_HUB_OFFLINE:
        raise WeightsError(f"HF_HUB_OFFLINE is set and the cache has no hf-hub:{repository}; {WAY_OUT}")
    _ask(constants.ENDPOINT, f"hf-hub:{repository}")


@contextmanager
def _quietly() -> Iterator[None]:
    """Keep timm from warning of the dropped classifier, which is what we ask for."""
    with quiet_loggers(logging.ERROR, "timm"):
        yield


def _source(cfg: PretrainedCfg) -> WeightSource:
    file = cached(cfg)
    name = f"{cfg.architecture}.{cfg.tag}" if cfg.tag else str(cfg.architecture)
    if cfg.file:
        return WeightSource(name, "package", cfg.license, f"{name}, part of visionft", sha256(Path(cfg.file)))
    return WeightSource(name, "hub", cfg.license, cfg.hf_hub_id or str(cfg.url), sha256(file) if file else None)


def _require_answer(name: str, cfg: PretrainedCfg) -> None:
    url = constants.ENDPOINT if cfg.hf_hub_id else str(cfg.url)
    if cfg.hf_hub_id and constants.HF_HUB_OFFLINE:
        raise WeightsError(f"HF_HUB_OFFLINE is set and the cache has no pretrained weights of {name}; {WAY_OUT}")
    _ask(url, f"the pretrained weights of {name}")


def _ask(url: str, what: str) -> None:
    """Look whether a place answers at all."""
    try:
        urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=ANSWER_SECONDS).close()
    except urllib.error.HTTPError:
        return  # an answer, if not to this question
    except OSError as error:
        reason = getattr(error, "reason", error)
        raise WeightsError(f"the hub with {what} is out of reach ({url}: {reason}); {WAY_OUT}") from error
