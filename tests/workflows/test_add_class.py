"""What add_class asks of a run, what it calls the class, and where the new run goes."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import fsspec
import pytest

from tests.bundle.making import make_bundle
from visionft.errors import RunError, UsageError
from visionft.finishing import new_prototype
from visionft.workflows import add_class


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Return a folder that stands for a finished run."""
    (tmp_path / "runs" / "first" / "evaluation").mkdir(parents=True)
    return tmp_path / "runs" / "first"


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    (tmp_path / "red mug").mkdir()
    return tmp_path / "red mug"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """Return what the work was asked; it does nothing here."""
    calls: list[tuple[Any, ...]] = []

    def noted(run: Any, name: str, features: Any, out: Path, digests: list[str]) -> Any:
        assert digests == []
        calls.append((name, out, features))
        return run, "added"

    monkeypatch.setattr(new_prototype, "require_prototypes", lambda *_: None)
    monkeypatch.setattr(new_prototype, "add_prototype", noted)
    monkeypatch.setitem(add_class.__globals__, "run_at", lambda path: SimpleNamespace(path=path))
    monkeypatch.setitem(add_class.__globals__, "features_of", lambda path, photos, say: (photos, []))
    return calls


def test_the_class_is_called_like_its_folder_and_the_run_lies_beside_the_old_one(
    asked: list[Any], run: Path, photos: Path, tmp_path: Path
) -> None:
    said: list[str] = []
    add_class(run, photos, say=said.append)
    add_class(run, [photos], name="a/b: c", say=said.append)
    add_class(run, photos, name="!?", say=said.append)
    add_class(run, photos, name="Äpfel", out=tmp_path / "new", say=said.append)
    assert asked == [
        ("red mug", run.with_name("first-with-red-mug"), photos),
        ("a/b: c", run.with_name("first-with-a-b-c"), [photos]),
        ("!?", run.with_name("first-with-class"), photos),
        ("Äpfel", tmp_path / "new", photos),
    ]
    assert said == ["added"] * 4


def test_a_run_that_is_here_or_above_here_is_named_in_full(
    asked: list[Any], run: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(run)
    add_class(".", photos, name="x", say=lambda _: None)
    monkeypatch.chdir(run / "evaluation")
    add_class("..", photos, name="x", say=lambda _: None)
    assert [place for _, place, _ in asked] == [run.with_name("first-with-x")] * 2


def test_photos_of_a_bucket_are_brought_here(
    asked: list[Any], run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISIONFT_CACHE", str(tmp_path / "cache"))
    fsspec.filesystem("memory").pipe("/added/mug/1.jpg", b"photo")
    add_class(run, "memory://added/mug", name="mug", say=lambda _: None)
    ((_, _, folder),) = asked
    assert [(path.name, path.read_bytes()) for path in Path(folder).iterdir()] == [("1.jpg", b"photo")]


@pytest.mark.parametrize("name", ["", " ", "\t"])
def test_an_empty_name_is_refused(asked: list[Any], run: Path, photos: Path, name: str) -> None:
    with pytest.raises(UsageError, match=r"^--name: the name of the class is empty; give one$"):
        add_class(run, photos, name=name)
    assert asked == []


def test_without_one_folder_a_name_is_asked_for(asked: list[Any], run: Path, photos: Path) -> None:
    (photos / "1.jpg").touch()
    for given in (photos / "1.jpg", [photos, photos], []):
        with pytest.raises(UsageError, match="--name: the class has no name, as not one folder alone is given; name"):
            add_class(run, given)
    assert asked == []


def test_a_bundle_or_nothing_is_one_sentence(tmp_path: Path, photos: Path) -> None:
    bundle = make_bundle(tmp_path / "bundle")
    with pytest.raises(UsageError, match=r"bundle is a bundle; add the class to the run that it was exported from, an"):
        add_class(bundle, photos)
    with pytest.raises(RunError, match="there is no run or bundle at"):
        add_class(tmp_path / "gone", photos)
