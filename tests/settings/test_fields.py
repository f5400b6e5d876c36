"""The leaves of the tree: every field is there, with its sentence."""

from __future__ import annotations

import pytest

from visionft.settings import FitSettings
from visionft.settings.fields import groups, leaves, nearest


def test_every_setting_has_a_sentence_and_words_for_what_may_be_given() -> None:
    wordless = [leaf.path for leaf in leaves().values() if not leaf.doc.endswith(".") or not leaf.allowed]
    assert len(leaves()) > 40
    assert wordless == []


PARAMETER_EFFICIENT = ("lora", "qlora", "adapter", "prompt", "bitfit", "norm")


def test_leaves_hold_the_defaults_of_the_tree() -> None:
    settings = FitSettings(photos="p").model_dump()
    for leaf in leaves().values():
        if leaf.path != "photos" and (not leaf.owners or settings["method"]["name"] in leaf.owners):
            node = settings
            for name in leaf.path.split("."):
                node = node[name]
            assert node == leaf.default, leaf.path


def test_settings_of_methods_know_their_owners() -> None:
    assert leaves()["method.head_first"].owners == ("full", "gradual", *PARAMETER_EFFICIENT)
    assert leaves()["method.cycles"].owners == ("gradual",)
    assert leaves()["method.name"].owners == leaves()["optim.lr"].owners == ()


def test_flags_are_hyphenated() -> None:
    assert leaves()["optim.batch_size"].flag == "--optim.batch-size"
    assert leaves()["from_run"].flag == "--from"  # from_run in Python and YAML: `from` is Python's own


def test_groups_are_the_nodes_beneath_the_root() -> None:
    assert list(groups()) == [
        "method", "data", "classes", "preprocess", "augment", "optim", "labels", "embedding", "distillation",
        "hardware", "report",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("epoch", "epochs"),
        ("lr", "optim.lr"),
        ("batch-size", "optim.batch_size"),
        ("optim.batchsize", "optim.batch_size"),
        ("learning_rate", "optim.lr"),
        ("xyzzy", None),
        ("optm.lr", "optim.lr"),
        ("methd", "method"),
        ("augment.batch_size", "optim.batch_size"),
        ("method.phases.2.unfreze", "method.phases.2.unfreeze"),
    ],
)
def test_nearest(wrong: str, meant: str | None) -> None:
    assert nearest(wrong) == meant
