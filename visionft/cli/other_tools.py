"""What people type who come from other tools, and what to type here: commands, flags, and `name=value`.

Settings of fit that other tools call otherwise are in `visionft.settings.other_names`, since YAML and Python answer
with them too. A name of ours is never in here.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from itertools import takewhile
from shlex import quote

from visionft.cli.commands import COMMANDS
from visionft.cli.settings import TREES
from visionft.errors import UsageError
from visionft.settings import other_names
from visionft.settings.fields import leaves, nearest
from visionft.settings.fit import FitSettings
from visionft.settings.other_names import plain

_RENAMED = {
    "fit": "train finetune fine-tune fine_tune tune-model learn training",
    "evaluate": "val test validate validation eval",
    "predict": "infer inference classify classification answer",
    "export": "convert onnx to-onnx save-onnx",
    "compare": "diff",
    "doctor": "checks env environment collect-env diagnose",
    "settings": "cfg config configs defaults options",
    "models": "list-models backbones model-zoo zoo",
    "check": "verify",
    "runs": "list ls experiments history status",
    "audit": "lint dedupe clean-data",
    "find-lr": "lr-find lr_find lr-finder tune-lr range-test",
    "push": "upload publish push-to-hub push_to_hub",
    "sweep": "tune hpo optuna grid hyperparameters search-space",
}
"""Our command -> what it is called elsewhere."""
_NO_COMMAND = {
    "give the same `visionft fit` once more, which goes on; `visionft runs` prints it for each unfinished run": (
        "resume continue restart"
    ),
    "`visionft runs` lists what was trained, and `visionft doctor` says what this machine has": "info show describe",
    "give `visionft --help`, or --help after a command": "help usage man",
    "give `visionft --version`": "version",
    "`visionft index` keeps embeddings of photos; in Python visionft.Run.open(RUN).network().backbone has them": (
        "embed embeddings features encode extract"
    ),
    "give `visionft export RUN --precision int8`": "quantize quantise",
    "give `visionft settings --yaml > run.yaml`, and then --config run.yaml": "init copy-cfg",
    "photos are answered whole: nothing looks for boxes or outlines": "detect segment pose obb",
    "give `visionft report RUN`, and open the page that it names": "tensorboard dashboard plot plots",
}
"""What to do -> commands elsewhere that are none here."""
_RUN_FIRST = "the run or bundle is given without a flag, as the first word"
_OWN = "leave it out: the run has its own, and so has the bundle"
_FLAGS: dict[str, dict[str, str]] = {
    "predict": {
        "--top": "topk top_k k num_top",
        "--out": "output save save_txt save_dir results_file output_dir project name",
        "photos are given without a flag, behind the run or bundle": (
            "source input image images data path img file files"
        ),
        _RUN_FIRST: "model weights checkpoint ckpt ckpt_path run bundle",
        _OWN: "imgsz img_size image_size size classes preprocess",
        "leave it out: `visionft export RUN --accept 0.95` sets from which score an answer is known": (
            "conf threshold confidence"
        ),
        "leave it out: batches and device are chosen by themselves": "batch batch_size device gpu half workers",
    },
    "evaluate": {
        "--data": "dataset data_dir source photos val_dir test_dir",
        "--out": "output save_dir output_dir project name results_file",
        _RUN_FIRST: "model weights checkpoint ckpt ckpt_path run bundle",
        _OWN: "imgsz img_size image_size size num_classes nc",
        "leave it out: batches and device are chosen by themselves": "batch batch_size device gpu half workers",
    },
    "export": {
        "--out": "output file output_dir project name save_dir",
        "give --precision int8": "int8 quantize quantise",
        "give --precision fp16": "half fp16",
        "the run is given without a flag, as the first word": "model weights checkpoint ckpt run",
        "leave it out: a bundle's model is ONNX": "format formats include",
        "leave it out: the graph has a free batch, and the opset that its onnxruntime reads": (
            "opset dynamic dynamic_axes simplify batch batch_size"
        ),
        _OWN: "imgsz img_size image_size size",
        "give --target onnxruntime==1.17.3 for another runtime that will serve": "onnxruntime runtime ort_version",
    },
    "serve": {
        "--host": "bind address listen ip",
        "--batch": "batch_size max_batch max_batch_size",
        "the bundle is given without a flag, as the first word": "model bundle weights model_path model_dir",
        "start several servers behind one address instead": "workers num_workers replicas",
    },
}
"""Command -> our flag, or what to do -> flags elsewhere."""
RENAMED = {name: ours for ours, names in _RENAMED.items() for name in names.split()}
"""A command elsewhere -> ours."""
NO_COMMAND = {name: advice for advice, names in _NO_COMMAND.items() for name in names.split()}
"""A command elsewhere -> what to do here, where there is none."""
FLAGS = {
    command: {name: ours for ours, names in table.items() for name in names.split()}
    for command, table in _FLAGS.items()
}
"""Command -> a flag elsewhere, as `plain` has it -> ours, or what to do here."""


def advice(command: str, given: str, known: Iterable[str]) -> str | None:
    """Return the end of the sentence about a flag that a command has not, or None where no table knows it.

    Args:
        command: which was called.
        given: the flag, with or without its dashes.
        known: the flags that the command has.
    """
    name, known = plain(given), set(known)
    meant = FLAGS.get(command, {}).get(name)
    if meant is None and command in ("fit", "audit", "advise", "find-lr", "sweep"):
        meant = other_names.INSTEAD.get(name) or _setting(name)
        if meant and meant.startswith("--") and meant not in known:
            return None
    if meant is None:
        return None
    return f"did you mean {meant}?" if meant.startswith("--") else meant


def _setting(name: str) -> str | None:
    """Return the flag of the setting that other tools give this name, or that has this name inside its group."""
    path = other_names.SAME.get(name)
    if path is None and (near := nearest(name)) in leaves() and near.rpartition(".")[2] == name:
        path = near
    return None if path is None else leaves()[path].flag.removesuffix(".name")


def refuse_pairs(tokens: Sequence[str]) -> None:
    """Raise UsageError where words are `epochs=3`, as ultralytics and hydra take them, with the line that is meant.

    Looked at are the words before the first flag, and of these what is no file and whose name a setting could have.
    """
    command = tokens[0] if tokens else ""
    if command not in COMMANDS:
        return
    words = list(takewhile(lambda word: not word.startswith("-"), tokens[1:]))
    if pairs := [word for word in words if _is_pair(command, word)]:
        given = [quote(word) for word in words if word not in pairs]
        line = " ".join(["visionft", command, *given, *_respelt(command, pairs)])
        raise UsageError(
            f"{', '.join(pairs)}: settings are flags here, not name=value; give `{line}`{_left(command, pairs)}"
        )


def _is_pair(command: str, word: str) -> bool:
    name, sign, _ = word.partition("=")
    if not (sign and name.replace("_", "").replace(".", "").isalnum()) or os.path.lexists(word):
        return False
    return _meant(command, name) is not None


def _meant(command: str, name: str) -> str | None:
    """Return the flag, or what to do, for a name that stands before `=`; None where it is nothing that is known."""
    path, root = plain(name), TREES.get(command, FitSettings)
    if own := leaves(root).get(path) or leaves(root).get(f"{path}.name"):
        return own.flag.removesuffix(".name")
    if command in FLAGS:
        return FLAGS[command].get(path)
    return (other_names.INSTEAD.get(path) or _setting(path)) if root is FitSettings else None


def _respelt(command: str, pairs: Sequence[str]) -> list[str]:
    """Return pairs as words of our command line, without those that are to be left out."""
    places: list[tuple[bool, str]] = []
    flags: list[str] = []
    for pair in pairs:
        name, _, value = pair.partition("=")
        meant = _meant(command, name) or ""
        if meant.startswith("--"):
            flags += [meant, quote(value)]
        elif "without a flag" in meant:
            places.append(("first" not in meant, quote(value)))
        else:
            flags += _whole_flag(meant)
    return [*(place for _, place in sorted(places, key=lambda entry: entry[0])), *flags]


def _whole_flag(meant: str) -> list[str]:
    """Return the flag with its value that an advice begins with, `give --method head, which ...`; none: it has none."""
    words = meant.removeprefix("give ").split(",")[0].split()
    return words[:2] if meant.startswith("give --") and len(words) > 1 else []


def _left(command: str, pairs: Sequence[str]) -> str:
    """Return what is to be done about pairs whose value is in another unit than ours, which no line can spell."""
    meant = {pair.partition("=")[0]: _meant(command, pair.partition("=")[0]) or "" for pair in pairs}
    told = [
        f"; for {name} {advice}"
        for name, advice in meant.items()
        if advice.startswith("give --") and not _whole_flag(advice)
    ]
    return "".join(told)
