"""Whether training photos are kept decoded: the choice with its reason, and runs with and without."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.resealing import reseal
from visionft.data.caches import cache_folder, decoded_photos
from visionft.errors import RunMismatchError
from visionft.machine.stop_signals import Interrupted
from visionft.planning import decoded_cache
from visionft.runs import Run, layout
from visionft.settings import FitSettings, build
from visionft.training import train

Make = Callable[..., FitSettings]
GB = 10**9


def silent(_: str) -> None:
    pass


def kept(root: Path) -> int:
    return len(list(cache_folder.files(root / decoded_photos.FOLDER)))


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(cache_folder.VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


def choice(monkeypatch: pytest.MonkeyPatch, photos: int = 1000, **flags: Any) -> tuple[str, str]:
    monkeypatch.setattr(decoded_cache.data, "room", lambda budget: min(budget, GB))
    given = {"hardware.device": "cuda", "epochs": 6, **flags}
    made = decoded_cache.cache_choice(
        build("photos", None, **given), [f"{n:064x}" for n in range(photos)], size=(224, 224)
    )
    assert made.setting == "data.cache"
    return made.value, made.reason


def test_a_gpu_keeps_what_fits(monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
    assert decoded_photos.estimate(1000, 336) == 1000 * 336 * 448 * 3
    assert choice(monkeypatch) == ("decoded", "about 0.5 GB more, decoded once for 6 epochs")
    expected = ("none", "about 1.4 GB more would be kept, and there is room for 1.0")
    assert choice(monkeypatch, photos=3000) == expected
    expected = ("none", "about 0.5 GB more would be kept, and there is room for 0.3")
    assert choice(monkeypatch, **{"data.cache_gb": 0.3}) == expected


def test_what_an_earlier_run_kept_needs_no_room(monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
    store = decoded_photos.Decoded(336, GB)
    for n in range(1000):
        place = store._place(f"{n:064x}")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()
    assert choice(monkeypatch, **{"data.cache_gb": 0}) == ("decoded", "about 0.0 GB more, decoded once for 6 epochs")


def test_nothing_is_kept_where_it_would_not_pay(monkeypatch: pytest.MonkeyPatch) -> None:
    assert choice(monkeypatch, epochs=0) == ("none", "nothing is trained by epochs")
    assert choice(monkeypatch, epochs=1) == ("none", "one epoch reads each photo once")
    assert choice(monkeypatch, **{"hardware.device": "cpu"}) == (
        "none",
        "on a processor, training takes far longer than decoding",
    )


def weights(run: Run) -> bytes:
    return (run.path / layout.WEIGHTS).read_bytes()


def test_a_run_chooses_aloud_and_by_default_keeps_nothing_on_a_processor(settings: Make, root: Path) -> None:
    lines: list[str] = []
    run = train(settings(), lines.append)
    assert "  data.cache = none  (on a processor, training takes far longer than decoding)" in lines
    assert run.settings.data.cache == "none"
    assert kept(root) == 0


def test_runs_share_what_is_kept_and_repeat_bit_for_bit(settings: Make, root: Path, tmp_path: Path) -> None:
    flags = {"data.cache": "decoded", "augment.size": 16, "augment.strength": "light"}
    first = train(settings(**flags), silent)
    files = kept(root)
    photos = len(first.manifest().rows("train"))
    assert photos - 8 <= files <= photos  # an epoch leaves out what fills no batch
    second = train(settings(out=tmp_path / "again", **flags, **{"hardware.workers": 2}), silent)
    unkept = train(settings(out=tmp_path / "unkept", **flags, **{"data.cache_gb": 0}), silent)
    plain = train(settings(out=tmp_path / "plain", **{**flags, "data.cache": "none"}), silent)
    assert kept(root) == files
    assert weights(first) == weights(second) == weights(unkept)
    assert weights(plain) != weights(first)


def test_the_room_may_change_between_sessions_and_the_cache_may_not(settings: Make, root: Path) -> None:
    train(settings(), silent)
    kept = {"data.cache": "decoded"}
    with pytest.raises(RunMismatchError, match=r"\(data\.cache was auto, is decoded\)"):
        train(settings(**kept), silent)
    other = settings(**kept).out / "other"
    for room in (1, 2):
        assert train(settings(**kept, **{"data.cache_gb": room}, out=other), silent).path == other


def test_an_unfinished_run_that_is_older_than_the_setting_goes_on_from_its_files(
    settings: Make, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from visionft.finishing import final_metrics

    def killed(*_: Any) -> None:
        raise Interrupted(2, "stopped")

    with monkeypatch.context() as patch:
        patch.setattr(final_metrics, "finish", killed)
        with pytest.raises(Interrupted):
            train(settings(), silent)
    folder = settings().out
    tree = yaml.safe_load((folder / layout.SETTINGS).read_text())
    record = json.loads((folder / layout.CHOICES).read_text())
    for name in ("cache", "cache_gb"):
        del tree["data"][name]
        record["requested"]["data"].pop(name, None)
    (folder / layout.SETTINGS).write_text(yaml.safe_dump(tree))
    (folder / layout.CHOICES).write_text(json.dumps(record))
    reseal(folder)

    run = train(settings(), silent)
    assert run.path == folder
    assert kept(root) == 0
