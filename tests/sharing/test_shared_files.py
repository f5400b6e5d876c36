"""Which files are pushed: no photo and no page with photos unless asked, and nothing that nobody thought of."""

from __future__ import annotations

import pytest

from visionft.runs import layout
from visionft.sharing.shared_files import PHOTOS, ROWS, STATE, choose


def test_of_a_bundle_all_but_the_golden_photos() -> None:
    names = [
        "model.onnx",
        "bundle.json",
        "README.md",
        "golden/00.png",
        "golden/expected.json",
        "adapters/a.onnx_adapter",
    ]
    chosen = choose("bundle", names, "none")
    assert set(chosen.sent) == set(names) - {"golden/00.png", "golden/expected.json"}
    assert chosen.kept == {PHOTOS: ("golden/00.png", "golden/expected.json")}
    assert set(choose("bundle", names, "all").sent) == set(names)


@pytest.mark.parametrize("name", sorted(layout.RECORDS | {layout.WEIGHTS, "adapter/adapter_model.safetensors"}))
def test_what_going_on_needs_of_a_run_goes(name: str) -> None:
    assert choose("run", [name], "none").sent == (name,)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (layout.CHECKPOINT, STATE),
        (layout.AUGMENTED, PHOTOS),
        (layout.REPORT, PHOTOS),
        ("evaluation/test/report.html", PHOTOS),
        ("evaluation/test/predictions.csv", ROWS),
        ("something/new.bin", ROWS),
        ("new.json", ROWS),
    ],
)
def test_what_stays_of_a_run(name: str, reason: str) -> None:
    assert choose("run", [name], "none").kept == {reason: (name,)}
    assert (choose("run", [name], "all").sent == (name,)) == (reason == PHOTOS)


def test_figures_of_an_evaluation_go() -> None:
    assert choose("run", ["evaluation/test/metrics.json"], "none").sent == ("evaluation/test/metrics.json",)
