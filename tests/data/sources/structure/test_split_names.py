from __future__ import annotations

import pytest

from visionft.data.sources.structure.split_names import is_code, is_plain, side_among, side_of

TRAIN = "train Train TRAIN training Training training_set training-set train_set TrainSet trainset trn train2017"
VALIDATION = "val valid validation Validation_Set dev eval evaluation val2017 vld ValData valid-images"
TEST = "test testing Testing test_set test-set tst holdout hold-out hold_out HeldOut TestImages test_data"


@pytest.mark.parametrize("name", [*TRAIN.split(), "training set", "Train Images", "01_train"])
def test_names_of_train(name: str) -> None:
    assert side_of(name) == "train"


@pytest.mark.parametrize("name", VALIDATION.split())
def test_names_of_validation(name: str) -> None:
    assert side_of(name) == "validation"


@pytest.mark.parametrize("name", [*TEST.split(), "Hold Out"])
def test_names_of_test(name: str) -> None:
    assert side_of(name) == "test"


@pytest.mark.parametrize(
    "name", ["hat", "trainers", "train station", "contest", "tests tubes", "images", "data", "2017", "", "_", "device"]
)
def test_names_of_no_side(name: str) -> None:
    assert side_of(name) is None


def test_five_names_are_plain() -> None:
    assert [name for name in ("train", "Val", "VALID", "validation", "test", "training", "dev") if is_plain(name)] == [
        "train", "Val", "VALID", "validation", "test",
    ]  # fmt: skip


@pytest.mark.parametrize(("name", "parent", "is_one"), [
    ("SKU123", "hat", True), ("watch-9", "watch", True), ("B07XYZ21", "x", True), ("Model3", "car", False),
    ("Granny-Smith", "Apple", False), ("red-summer-dress", "dress", False),
])  # fmt: skip
def test_names_of_products(name: str, parent: str, is_one: bool) -> None:
    assert is_code(name, parent) == is_one


def test_one_word_of_a_name_may_hint_at_a_side() -> None:
    names = ["seg_train", "flowers-test", "Training shoes", "train", "train_test", "hat"]
    assert [side_among(name) for name in names] == ["train", "test", "train", "train", None, None]
