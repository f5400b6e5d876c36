"""Many adapters on one base: each answers like its own merged run, and nothing else is accepted."""

from __future__ import annotations

import gc
import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
import pytest
import torch
from numpy.typing import NDArray

from tests.exporting.adapted import AdaptedFake, adapted_run
from tests.exporting.fakes import rendered
from tests.exporting.test_export_bundle import files
from visionft.bundle import Bundle, Prediction
from visionft.errors import ParityError, RunError, UsageError
from visionft.exporting import Exported, export_adapters
from visionft.exporting.adapters.adapter_files import adapter_tensors, baked, optional_inputs
from visionft.exporting.adapters.lora_runs import LowRank, read_adapters
from visionft.exporting.reference_answers import Reference, Truth
from visionft.serving import Session, predict
from visionft.settings import ExportSettings, HeadMethod, LoraMethod

RELATIVE = 1e-4
NAMES = ("shoes", "qv.only", "mlp")
PHOTOS = [rendered(seed, 90 + 10 * seed, 120) for seed in range(6)]


def truth(run: AdaptedFake, photos: list[NDArray[np.uint8]] = PHOTOS) -> Reference:
    """Return the answers of the run's merged network."""
    return Truth(run.network(), run.preprocess, run.answering(0.8)).of(photos)


@pytest.fixture(scope="module")
def session(adapted: Exported) -> Session:
    return Session(adapted.bundle, threads=1)


@pytest.mark.parametrize("name", NAMES)
def test_through_its_adapter_the_base_answers_like_the_merged_run(
    session: Session, low_rank: dict[str, AdaptedFake], name: str
) -> None:
    run = low_rank[name]
    wanted, answers = truth(run), session.answer_batch(PHOTOS, name)
    assert 0.3 < np.median(wanted.probabilities.max(1)) < 0.995, "sure answers would agree whatever was wrong"

    def close(found: list[Any], expected: NDArray[np.float32]) -> None:
        assert np.abs(np.stack(found) - expected).max() <= RELATIVE * np.abs(expected).max()

    close([answer.logits for answer in answers], wanted.logits)
    close([answer.probabilities for answer in answers], wanted.probabilities)
    close([answer.embedding for answer in answers], wanted.embeddings)
    close([answer.known_score for answer in answers], wanted.known_scores)
    assert [answer.label for answer in answers] == [run.names[i] for i in wanted.logits.argmax(1)]
    assert [answer.unknown for answer in answers] == list(run.answering(0.8).unknown(wanted.known_scores))


def test_the_adapters_differ_from_each_other_and_from_their_base(
    session: Session, low_rank: dict[str, AdaptedFake]
) -> None:
    embeddings = [np.stack([a.embedding for a in session.answer_batch(PHOTOS, name)]) for name in NAMES]
    base = replace(low_rank["shoes"], trained=low_rank["shoes"].start())
    embeddings.append(truth(base).embeddings)

    for i, one in enumerate(embeddings):
        for other in embeddings[:i]:
            assert np.abs(one - other).max() > 0.01


def test_threads_ask_one_session_through_different_adapters(session: Session, low_rank: dict[str, AdaptedFake]) -> None:
    wanted = {name: truth(run).probabilities for name, run in low_rank.items()}
    asked = [(NAMES[i % 3], i % len(PHOTOS)) for i in range(60)]

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda pair: session.answer(PHOTOS[pair[1]], pair[0]), asked))

    for (name, photo), answer in zip(asked, answers, strict=True):
        np.testing.assert_allclose(answer.probabilities, wanted[name][photo], atol=RELATIVE)


def test_an_adapter_lives_as_long_as_its_session(adapted: Exported, low_rank: dict[str, AdaptedFake]) -> None:
    session = Session(adapted.bundle)
    before = session.answer(PHOTOS[0], "shoes").logits

    for _ in range(3):
        gc.collect()
        junk = [np.full(100_000, np.nan, np.float32) for _ in range(50)]  # takes what would have been freed
        np.testing.assert_array_equal(session.answer(PHOTOS[0], "shoes").logits, before)
        del junk


def test_baked_into_the_base_an_adapter_gives_the_same_answers(
    adapted: Exported, session: Session, low_rank: dict[str, AdaptedFake]
) -> None:
    model = onnx.load(adapted.bundle / "model.onnx")
    own = read_adapters(low_rank)["qv.only"]
    tensors = adapter_tensors(own, optional_inputs(model), low_rank["qv.only"].answering(0.8))

    alone = ort.InferenceSession(baked(model, tensors).SerializeToString(), providers=["CPUExecutionProvider"])

    assert [value.name for value in alone.get_inputs()] == ["image"]
    assert alone.get_overridable_initializers() == []
    (logits,) = alone.run(["logits"], {"image": PHOTOS[0][None]})
    np.testing.assert_allclose(logits[0], session.answer(PHOTOS[0], "qv.only").logits, rtol=RELATIVE, atol=1e-5)


def test_any_runtime_may_feed_the_tensors_as_inputs(
    adapted: Exported, session: Session, low_rank: dict[str, AdaptedFake]
) -> None:
    options = ort.SessionOptions()
    options.log_severity_level = 3
    base = ort.InferenceSession(str(adapted.bundle / "model.onnx"), options, providers=["CPUExecutionProvider"])
    inputs = optional_inputs(onnx.load(adapted.bundle / "model.onnx"))
    tensors = adapter_tensors(read_adapters(low_rank)["mlp"], inputs, low_rank["mlp"].answering(0.8))

    probabilities, score = base.run(["probabilities", "known_score"], {"image": PHOTOS[0][None], **tensors})

    answer = session.answer(PHOTOS[0], "mlp")
    np.testing.assert_allclose(probabilities[0], answer.probabilities, atol=1e-6)
    assert score[0] == pytest.approx(answer.known_score, abs=1e-5)


def test_the_base_alone_answers_not_a_number(adapted: Exported) -> None:
    options = ort.SessionOptions()
    options.log_severity_level = 3
    base = ort.InferenceSession(str(adapted.bundle / "model.onnx"), options, providers=["CPUExecutionProvider"])

    probability, logits = base.run(["probability", "logits"], {"image": PHOTOS[0][None]})

    assert np.isnan(probability).all()
    assert np.isnan(logits).all()


def test_the_files_of_a_bundle_with_adapters_are_a_contract(adapted: Exported) -> None:
    golden = {f"golden/{name}/{i:02}.{ending}" for name in NAMES for i in range(8) for ending in ("png", "npy")}
    expected = {f"golden/{name}/expected.json" for name in NAMES}
    own = {f"adapters/{name}.onnx_adapter" for name in NAMES}

    assert files(adapted.bundle) == {"README.md", "bundle.json", "digests.json", "model.onnx"} | own | golden | expected
    assert [path.name for path in adapted.bundle.parent.iterdir()] == ["bundle"]


def test_the_record_has_what_is_each_adapters_own(adapted: Exported, low_rank: dict[str, AdaptedFake]) -> None:
    bundle = Bundle.open(adapted.bundle)

    assert (bundle.record.schema_version, bundle.record.classes, bundle.adapters) == (2, (), NAMES)
    assert [adapter.rank for adapter in bundle.record.adapters] == [4, 7, 2]
    for name, run in low_rank.items():
        own, answering = bundle.chosen(name), run.answering(0.8)
        assert own.classes == run.classes
        assert (own.record.temperature, own.record.threshold) == (answering.temperature, answering.threshold)
        assert own.record.provenance["data_fingerprint"] == run.manifest().fingerprint
        assert own.record.agreement is not None
        assert own.record.agreement.max_probability_difference < RELATIVE
        assert own.record.golden.n == 8
    assert "label" not in {row.name for row in bundle.record.tensors}
    assert "3 adapters (shoes with 3 classes, qv.only with 5 classes, mlp with 2 classes)" in str(bundle)
    assert "/home/me" not in (adapted.bundle / "bundle.json").read_text(encoding="utf-8")


def test_the_worst_figures_are_returned(adapted: Exported) -> None:
    records = Bundle.open(adapted.bundle).record.adapters
    proofs = [record.agreement for record in records if record.agreement is not None]

    assert adapted.adapters == NAMES
    assert adapted.n == sum(proof.n for proof in proofs) == 6 * (3 + 5 + 2)
    assert adapted.max_probability_difference == max(proof.max_probability_difference for proof in proofs)
    assert json.loads(json.dumps(adapted.to_json()))["adapters"] == list(NAMES)
    assert "3 adapters: shoes, qv.only, mlp" in str(adapted)


def test_golden_photos_are_answered_through_their_adapter(adapted: Exported, session: Session) -> None:
    for name in NAMES:
        place = adapted.bundle / "golden" / name
        for row in json.loads((place / "expected.json").read_text(encoding="utf-8"))["photos"]:
            answer = session.answer(np.load(place / row["pixels"]), name)
            assert answer.label == row["label"]
            np.testing.assert_allclose(answer.probabilities, row["probabilities"], atol=1e-3)


def test_the_card_s_code_runs(adapted: Exported, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = shutil.copytree(adapted.bundle, tmp_path / "bundle")
    shutil.copy(folder / "golden" / "shoes" / "00.png", folder / "photo.jpg")
    card = (folder / "README.md").read_text(encoding="utf-8")
    monkeypatch.chdir(folder)
    said: list[tuple[Any, ...]] = []

    exec(card.partition("```python\n")[2].partition("```")[0], {"print": lambda *words: said.append(words)})

    expected = json.loads((folder / "golden" / "shoes" / "expected.json").read_text(encoding="utf-8"))["photos"][0]
    assert said[0][0] == expected["label"]
    assert said[0][1] == pytest.approx(expected["probability"], abs=1e-3)
    assert "| qv.only | " in card


def test_files_are_answered_through_an_adapter(adapted: Exported, low_rank: dict[str, AdaptedFake]) -> None:
    found = predict(adapted.bundle, low_rank["mlp"].photos / "validation", adapter="mlp")

    assert found.classes == ("left", "right")
    assert len(found) == 12
    assert all(isinstance(row, Prediction) and row.probabilities.shape == (2,) for row in found)


def test_an_adapter_that_answers_otherwise_is_not_written(
    low_rank: dict[str, AdaptedFake], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, adapted: Exported
) -> None:
    model = onnx.load(adapted.bundle / "model.onnx")
    monkeypatch.setattr("visionft.exporting.adapters.export_adapters.build_base", lambda *_: model)
    right = read_adapters(low_rank)
    first = right["mlp"]
    layer = next(iter(first.factors))
    factors = first.factors | {layer: (first.factors[layer][0], first.factors[layer][1] * 20)}
    wrong = right | {"mlp": LowRank(first.run, factors, first.weight, first.bias)}
    monkeypatch.setattr("visionft.exporting.adapters.export_adapters.read_adapters", lambda _: wrong)

    with pytest.raises(
        ParityError, match=r"^adapter mlp: the exported model does not answer like .*network half is at"
    ):
        export_adapters(low_rank, tmp_path / "bundle")
    assert list(tmp_path.iterdir()) == []


def test_none_golden_and_no_threshold(
    low_rank: dict[str, AdaptedFake], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, adapted: Exported
) -> None:
    model = onnx.load(adapted.bundle / "model.onnx")
    monkeypatch.setattr("visionft.exporting.adapters.export_adapters.build_base", lambda *_: model)
    seen: list[tuple[str, int, int]] = []

    done = export_adapters(
        low_rank,
        tmp_path / "b",
        ExportSettings(golden="none", accept=None, all=True),
        on_progress=lambda *x: seen.append(x),
    )

    assert not (done.bundle / "golden").exists()
    assert {adapter.threshold for adapter in Bundle.open(done.bundle).record.adapters} == {None}
    assert not any(row.unknown for row in predict(done.bundle, low_rank["shoes"].photos, adapter="shoes"))
    assert seen[0] == ("exporting", 0, 1)


def one(run: AdaptedFake) -> dict[str, AdaptedFake]:
    return {"first": run}


def norms_trained(run: AdaptedFake) -> AdaptedFake:
    changed = run.network()
    with torch.no_grad():
        changed.backbone.get_parameter("norm.weight").add_(1e-3)
    return replace(run, trained=changed)


def other_base(run: AdaptedFake) -> AdaptedFake:
    base, trained = run.start(), run.network()
    with torch.no_grad():
        for network in (base, trained):
            network.backbone.get_parameter("norm.weight").add_(1e-3)
    return replace(run, base=base, trained=trained)


def without_adapter(run: AdaptedFake, place: Path) -> AdaptedFake:
    place.mkdir()
    return replace(run, path=place)


def other_weights(run: AdaptedFake) -> AdaptedFake:
    return replace(run, weights_source={**run.weights_source, "sha256": "f" * 64})


FAULTS = {
    "method": (lambda run, _: replace(run, method=HeadMethod()), "was trained with --method head, and adapters come"),
    "head": (lambda run, _: replace(run, head="mlp"), "has a mlp head, and adapters have linear ones"),
    "blend": (lambda run, place: without_adapter(run, place / "bare"), r"has no adapter/ \(a blend of two networks"),
    "norms": (lambda run, _: norms_trained(run), "trained norm.weight beside its updates and its head"),
    "base": (lambda run, _: other_base(run), "has another norm.weight in its base than .*, before any step"),
    "preprocess": (
        lambda run, _: replace(run, transform=replace(run.preprocess, interpolation="bilinear")),
        "sees photos by another preprocess than .*",
    ),
    "weights": (lambda run, _: other_weights(run), "started from other pretrained weights than "),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_run_that_cannot_share_the_base_is_refused(
    low_rank: dict[str, AdaptedFake], tmp_path: Path, name: str
) -> None:
    change, words = FAULTS[name]
    first = other_weights(low_rank["shoes"])
    first.weights_source["sha256"] = None if name != "weights" else "0" * 64
    odd = change(low_rank["mlp"], tmp_path)

    with pytest.raises(RunError, match=rf"the run .* {words}.*; export it alone, with `visionft export ") as caught:
        export_adapters({"first": first, "odd": odd}, tmp_path / "bundle")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "bundle").exists()


def test_another_backbone_or_layers_that_are_not_linear_are_refused(
    low_rank: dict[str, AdaptedFake], tmp_path: Path
) -> None:
    other = adapted_run(tmp_path / "other", LoraMethod(rank=2), ("a", "b"), 1, "test_byobnet")

    with pytest.raises(RunError, match=r"has the backbone test_byobnet, .* has test_vit; export it alone"):
        read_adapters({"shoes": low_rank["shoes"], "other": other})
    with pytest.raises(
        RunError, match=r"has its update inside the weight of .*, which is no linear layer called as one"
    ):
        read_adapters({"other": other})


def test_no_run_and_impossible_names_are_refused(low_rank: dict[str, AdaptedFake], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no run was given for the adapters: give at least one run of --method lora"):
        export_adapters({}, tmp_path / "b")
    with pytest.raises(UsageError, match=r"'\.\./up' cannot be the name of an adapter: give another as NAME=RUN"):
        export_adapters({"../up": low_rank["mlp"]}, tmp_path / "b")
