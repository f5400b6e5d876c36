"""Names of trackers: unknown and missing ones are one sentence before anything heavy is imported."""

from __future__ import annotations

import pytest

from visionft.errors import MissingExtraError, UsageError
from visionft.settings import tracker_names as module
from visionft.settings.tracker_names import tracker_names


def test_names_come_in_a_list_or_between_commas_each_once() -> None:
    assert tracker_names(None) == ()
    assert tracker_names("csv, tensorboard,csv") == tracker_names(["csv", "tensorboard"]) == ("csv", "tensorboard")


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("", "--log: no tracker is named; give one or several of csv, tensorboard, mlflow and wandb, with commas"),
        ("tensorbord", "--log: tensorbord is not known here; did you mean 'tensorboard'?; give one or several of csv"),
        (
            "trackio",
            "--log: Lightning has no logger for trackio; give one or several of csv, tensorboard, mlflow and wandb",
        ),
        ("csv,aim", "--log: aim is not known here; give one or several of csv, tensorboard, mlflow and wandb"),
    ],
)
def test_what_is_none_is_one_sentence(given: str, sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        tracker_names(given)
    assert str(caught.value).startswith(sentence)


@pytest.mark.parametrize(("name", "lacks"), [("wandb", "wandb"), ("mlflow", "mlflow"), ("tensorboard", "tensorboard")])
def test_a_missing_package_is_one_sentence(name: str, lacks: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_spec", lambda wanted: None)
    with pytest.raises(MissingExtraError) as caught:
        tracker_names(f"csv,{name}")
    assert str(caught.value) == (
        f'--log {name} needs {lacks}, not installed here: pip install "visionft[{name}]", or leave it out'
    )
