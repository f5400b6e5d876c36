"""Adapters on one session, and each way in which onnxruntime would answer wrongly without a word."""

from __future__ import annotations

import gc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest
from numpy.typing import NDArray

from tests.bundle.making import (
    ADAPTERS,
    LAYER,
    adapter_place,
    colour_adapter,
    make_adapted_bundle,
    make_bundle,
    replace_adapter,
)
from visionft.bundle import Bundle
from visionft.bundle import names as n
from visionft.classes import Classes
from visionft.errors import BundleError, UsageError
from visionft.serving import Session, predict
from visionft.serving.lora_adapters import LoadedAdapter
from visionft.serving.onnx_session import open_model

A, B = n.factors(LAYER)
RED = np.full((4, 5, 3), (160, 16, 32), np.uint8)
Tensors = dict[str, NDArray[Any]]


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return make_adapted_bundle(tmp_path / "b")


@pytest.fixture
def session(bundle: Path) -> Session:
    return Session(bundle, threads=1)


def test_one_session_answers_through_adapters_of_other_ranks_and_classes(session: Session) -> None:
    three, two = session.answer(RED, "three"), session.answer(RED, "two")

    assert (three.label, three.class_index, two.label, two.class_index) == ("red", 2, "crimson", 0)
    np.testing.assert_allclose(three.logits, np.array([32, 16, 160]) * 2 / 16)
    np.testing.assert_allclose(two.logits, np.array([160 * 2, 32]) / 16)  # of rank 1: red alone is doubled
    assert three.probabilities.shape == (3,)
    assert two.probabilities.shape == (2,)


def test_batches_of_mixed_sizes_go_through_one_adapter(session: Session) -> None:
    images = [RED, RED[:2, :, ::-1].copy(), RED]

    assert [answer.label for answer in session.answer_batch(images, "two")] == ["crimson", "navy", "crimson"]
    assert session.answer_batch([], "two") == []


def test_threads_may_ask_through_different_adapters(session: Session) -> None:
    def ask(i: int) -> float:
        image = np.full((1 + i % 3, 2, 3), (i, 0, 0), np.uint8)
        return float(session.answer(image, "three" if i % 2 else "two").logits.max())

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(ask, range(200)))

    np.testing.assert_allclose(found, np.arange(200) / 8)


def test_files_are_answered_through_an_adapter(bundle: Path, tmp_path: Path) -> None:
    from PIL import Image

    Image.fromarray(RED).save(tmp_path / "red.png")

    found = predict(bundle, tmp_path / "red.png", adapter="two")

    assert (found[0].label, found.classes) == ("crimson", ("crimson", "navy"))
    with pytest.raises(UsageError, match="give one of three, two"):
        predict(bundle, tmp_path / "red.png")


ASKED: dict[str | None, str] = {
    None: r"the bundle .* answers through adapters and none was named: give one of three, two",
    "four": r"the bundle .* has no adapter 'four': give one of three, two",
}


@pytest.mark.parametrize("adapter", ASKED)
def test_asking_without_an_adapter_or_through_an_unknown_one_names_those_there_are(
    session: Session, adapter: str | None
) -> None:
    with pytest.raises(UsageError, match=ASKED[adapter]):
        session.answer(RED, adapter)
    with pytest.raises(UsageError, match=ASKED[adapter]):
        session.answer_batch([], adapter)
    with pytest.raises(UsageError, match=ASKED[adapter]):
        session.bundle.chosen(adapter)


def test_a_bundle_of_one_run_has_no_adapters(tmp_path: Path) -> None:
    session = Session(make_bundle(tmp_path / "b"))

    assert session.bundle.adapters == ()
    assert session.answer(RED).label == "red/Äpfel"
    with pytest.raises(UsageError, match="has no adapters and 'two' was asked for: leave it out"):
        session.answer(RED, "two")


def test_classes_and_figures_are_the_adapters(session: Session) -> None:
    assert session.bundle.chosen("two").classes.names == ("crimson", "navy")
    assert session.bundle.chosen("two").adapters == ()
    with pytest.raises(UsageError, match="none was named: give one of three, two"):
        _ = session.bundle.classes


def test_an_adapter_lives_as_long_as_its_session(session: Session) -> None:
    """Of an adapter that only its run options name nothing is left: the base would answer."""
    for _ in range(5):
        gc.collect()
        np.testing.assert_allclose(session.answer(RED, "three").logits, np.array([32, 16, 160]) * 2 / 16)


def test_a_run_that_went_past_its_adapter_is_noticed(bundle: Path) -> None:
    """Run options without the adapter stand for all ways in which onnxruntime drops one; the base answers then."""
    session = open_model(bundle / n.MODEL_FILE)
    adapter = ort.LoraAdapter()
    adapter.Load(str(adapter_place(bundle, "two")))
    loaded = LoadedAdapter(Classes(("crimson", "navy")), adapter, ort.RunOptions())

    with pytest.raises(BundleError, match=r"answered 1 classes through an adapter of 2, or not-a-number: update it"):
        loaded.run(session, {n.IMAGE: RED[None]})
    one = LoadedAdapter(Classes(("crimson",)), adapter, ort.RunOptions())
    with pytest.raises(BundleError, match="or not-a-number"):
        one.run(session, {n.IMAGE: RED[None]})


def test_io_binding_drops_adapters_which_is_why_no_session_uses_it(bundle: Path) -> None:
    session, adapter, options = open_model(bundle / n.MODEL_FILE), ort.LoraAdapter(), ort.RunOptions()
    adapter.Load(str(adapter_place(bundle, "two")))
    options.add_active_adapter(adapter)
    binding = session.io_binding()
    binding.bind_cpu_input(n.IMAGE, RED[None])
    binding.bind_output(n.PROBABILITIES)

    session.run_with_iobinding(binding, options)

    assert np.isnan(binding.copy_outputs_to_cpu()[0]).all()
    room = Path(Session.__module__.replace(".", "/")).parent
    programs = list((Path(__file__).resolve().parents[2] / room).glob("*.py"))
    assert len(programs) >= 4
    assert not any("iobinding" in program.read_text(encoding="utf-8") for program in programs)


def test_of_two_active_adapters_the_first_wins_which_is_why_a_run_has_one(bundle: Path, session: Session) -> None:
    both, adapters = ort.RunOptions(), []
    for name in ADAPTERS:
        adapters.append(ort.LoraAdapter())
        adapters[-1].Load(str(adapter_place(bundle, name)))
        both.add_active_adapter(adapters[-1])

    (silent,) = open_model(bundle / n.MODEL_FILE).run([n.LOGITS], {n.IMAGE: RED[None]}, both)

    np.testing.assert_array_equal(silent[0], session.answer(RED, "three").logits)
    assert session.answer(RED, "two").logits.shape == (2,)


def changed(**tensors: NDArray[Any]) -> Callable[[Tensors], Tensors]:
    return lambda own: own | {{"A": A, "B": B}.get(name, name): value for name, value in tensors.items()}


def without(name: str) -> Callable[[Tensors], Tensors]:
    return lambda own: {key: value for key, value in own.items() if key != name}


UNFIT: dict[str, tuple[Callable[[Tensors], Tensors], str]] = {
    "half a pair": (without(B), r"lora/colours/B is missing"),
    "no bias": (without(n.HEAD_BIAS), r"head_bias is missing"),
    "a name more": (changed(other=np.ones(1, "f4")), r"other is not an input of model.onnx"),
    "doubles": (
        changed(head_bias=np.zeros(2)),
        r"head_bias is tensor\(double\) \[2\], not tensor\(float\) \['C'\]",
    ),
    "other features": (changed(head_weight=np.ones((4, 2), "f4")), r"head_weight is .* \[4, 2\], not .* \[3, 'C'\]"),
    "other classes": (changed(head_weight=np.ones((3, 5), "f4")), r"head_weight is .* \[3, 5\], not"),
    "a bias for all": (changed(head_bias=np.zeros(1, "f4")), r"head_bias is .* \[1\], not"),
    "two ranks": (changed(A=np.ones((3, 2), "f4")), r"lora/colours/B is .* \[1, 3\], not .* \['r0', 3\]"),
    "an axis more": (changed(temperature=np.ones((1, 1), "f4")), r"temperature is .* \[1, 1\], not .* \[1\]"),
    "nothing right": (
        lambda _: {f"x{i}": np.ones(1, "f4") for i in range(3)},
        r"missing, head_weight is missing, lora/colours/A is missing and 6 more: export the runs together again",
    ),
}


@pytest.mark.parametrize("name", UNFIT)
def test_a_file_with_other_tensors_than_the_base_takes_is_refused(bundle: Path, name: str) -> None:
    change, words = UNFIT[name]
    replace_adapter(bundle, "two", change(colour_adapter(ADAPTERS["two"], 1, 2.0)))

    with pytest.raises(BundleError, match=rf"two\.onnx_adapter does not fit the base: .*{words}") as caught:
        Session(bundle)
    assert "\n" not in str(caught.value)


def test_a_layer_without_an_update_has_rank_0(bundle: Path) -> None:
    tensors = colour_adapter(ADAPTERS["two"], 0, 2.0)
    assert tensors[A].shape == (3, 0)
    replace_adapter(bundle, "two", tensors)

    np.testing.assert_allclose(Session(bundle).answer(RED, "two").logits, np.array([160, 32]) / 16)


def test_an_adapter_of_another_base_is_refused(bundle: Path) -> None:
    replace_adapter(bundle, "two", colour_adapter(ADAPTERS["two"], 1, 2.0), base="0" * 64)

    with pytest.raises(BundleError, match=r"two\.onnx_adapter was made for another base than this bundle's model.onnx"):
        Session(bundle)


def test_what_is_no_adapter_is_one_sentence(bundle: Path) -> None:
    opened = Bundle.open(bundle)  # whose digests were right a moment ago
    adapter_place(bundle, "two").write_bytes(b"no adapter")

    with pytest.raises(BundleError, match=r"two\.onnx_adapter cannot be read as an adapter \(.*\): copy the") as caught:
        Session(opened)
    assert "\n" not in str(caught.value)
