"""Many adapters on one base: each answers like its own merged run, and nothing else is accepted."""

from __future__ import annotations

import gc
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from tests.exporting.adapted import AdaptedFake
from tests.exporting.fakes import rendered
from tests.exporting.test_export_bundle import files
from visionft.bundle import Bundle, Prediction
from visionft.exporting import Exported, export_adapters
from visionft.exporting.reference_answers import Reference, Truth
from visionft.serving import Session, predict
from visionft.settings import ExportSettings

RELATIVE = 1e-4
NAMES = ("shoes", "qv.only", "mlp")
PHOTOS = [rendered(seed, 90 + 10 * seed, 120) for seed in range(6)]


def truth(run: AdaptedFake, photos: list[NDArray[np.uint8]] = PHOTOS) -> Reference:
    """Return the answers of the run's merged network."""
    return Truth(run.network(), run.preprocess, run.answering(0.8)).of(photos)


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


def test_the_files_of_a_bundle_with_adapters_are_a_contract(adapted: Exported) -> None:
    golden = {f"golden/{name}/{i:02}.{ending}" for name in NAMES for i in range(8) for ending in ("png", "npy")}
    expected = {f"golden/{name}/expected.json" for name in NAMES}
    own = {f"adapters/{name}.onnx_adapter" for name in NAMES}

    assert files(adapted.bundle) == {"README.md", "bundle.json", "digests.json", "model.onnx"} | own | golden | expected
    assert [path.name for path in adapted.bundle.parent.iterdir()] == ["bundle"]


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


def test_files_are_answered_through_an_adapter(adapted: Exported, low_rank: dict[str, AdaptedFake]) -> None:
    found = predict(adapted.bundle, low_rank["mlp"].photos / "validation", adapter="mlp")

    assert found.classes == ("left", "right")
    assert len(found) == 12
    assert all(isinstance(row, Prediction) and row.probabilities.shape == (2,) for row in found)


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
