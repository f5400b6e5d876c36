"""The estimator among scikit-learn's own: its checks, its searches, its folds, and what it leaves behind."""

from __future__ import annotations

import gc
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import parametrize_with_checks
from sklearn.utils.validation import validate_data

from visionft.errors import DataError, SettingsError, UsageError
from visionft.sklearn import PhotoClassifier

SETTINGS = {"preprocess.size": 32, "hardware.workers": 0, "hardware.threads": 1, "hardware.device": "cpu"}
SIDE = 16


def classifier(**parameters: Any) -> PhotoClassifier:
    return PhotoClassifier(**{"backbone": "test_resnet", "weights": "none", "settings": SETTINGS, **parameters})


@pytest.fixture(scope="module")
def paths(shapes: Path) -> NDArray[np.str_]:
    return np.array([str(path) for path in sorted(shapes.rglob("*.jpg"))])


@pytest.fixture(scope="module")
def kinds(paths: NDArray[np.str_]) -> NDArray[np.str_]:
    return np.array([Path(path).parent.name for path in paths])


@pytest.fixture(scope="module")
def fitted(paths: NDArray[np.str_], kinds: NDArray[np.str_]) -> PhotoClassifier:
    return classifier().fit(paths, kinds)


@pytest.fixture(scope="module")
def pixels() -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (24, SIDE, SIDE, 3), np.uint8)


def test_probabilities_are_in_the_order_of_classes(fitted: PhotoClassifier, paths: NDArray[np.str_]) -> None:
    assert fitted.classes_.tolist() == ["disc", "square", "stripes"]
    probabilities = fitted.predict_proba(paths)
    assert probabilities.shape == (60, 3)
    assert np.allclose(probabilities.sum(axis=1), 1.0)
    assert (fitted.predict(paths) == fitted.classes_[probabilities.argmax(axis=1)]).all()


def test_it_answers_like_its_run(fitted: PhotoClassifier, paths: NDArray[np.str_], kinds: NDArray[np.str_]) -> None:
    import visionft

    answers = visionft.predict(fitted.run_, list(paths))
    assert [row.label for row in answers] == fitted.predict(paths).tolist()
    assert fitted.score(paths, kinds) == np.mean([row.label == kind for row, kind in zip(answers, kinds, strict=True)])


def test_a_list_an_array_and_a_column_are_the_same_photos(
    fitted: PhotoClassifier, paths: NDArray[np.str_], tmp_path: Path
) -> None:
    import pandas as pd

    few = paths[:4]
    wanted = fitted.predict_proba(few)
    for form in (list(few), [Path(path) for path in few], few.astype(object), few[:, None], pd.DataFrame({"p": few})):
        assert (fitted.predict_proba(form) == wanted).all()
    assert fitted.predict_proba([]).shape == (0, 3)


def test_arrays_and_numbers_as_labels(pixels: NDArray[np.uint8]) -> None:
    labels = np.arange(24) % 2 + 9  # as text, 10 comes before 9
    found = classifier().fit(pixels, labels)
    assert found.classes_.tolist() == [9, 10]
    assert set(found.predict(pixels)) <= {9, 10}
    assert (found.predict(pixels) == found.classes_[found.predict_proba(pixels).argmax(axis=1)]).all()


@pytest.mark.parametrize(
    ("X", "told"),
    [
        ("photos", "X is a str, and not several photos; give paths, or an array of uint8"),
        (np.zeros((2, 5)), r"X is an array of float64 \[2, 5\], which are no photos; give paths"),
        (np.zeros((2, 8, 8, 3), np.float32), r"X is an array of float32 \[2, 8, 8, 3\], which are no photos"),
        (np.zeros((2, 8, 8), np.uint8), r"X is an array of uint8 \[2, 8, 8\], which are no photos"),
    ],
)
def test_what_is_no_photo_is_one_sentence(X: Any, told: str, fitted: PhotoClassifier) -> None:
    with pytest.raises(UsageError, match=told):
        fitted.predict(X)
    with pytest.raises(UsageError, match=told):
        classifier().fit(X, ["a", "b"])


def test_labels_that_do_not_fit_are_one_sentence(paths: NDArray[np.str_]) -> None:
    with pytest.raises(UsageError, match="y: there are 2 for 60 photos; give one for each"):
        classifier().fit(paths, ["a", "b"])
    with pytest.raises(UsageError, match=r"y has 1 class \(a\); give labels of two or more"):
        classifier().fit(paths[:2], ["a", "a"])
    with pytest.raises(UsageError, match="y has labels that differ and are written alike"):
        classifier().fit(paths[:3], np.array(["é", "e\u0301", "a"]))
    with pytest.raises(NotFittedError, match="This PhotoClassifier instance is not fitted yet"):
        classifier().predict(paths)


def test_a_photo_that_cannot_be_read_is_named(fitted: PhotoClassifier, paths: NDArray[np.str_], tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"no photo")
    with pytest.raises(DataError, match=r"1 of 2 photos cannot be read, such as .*broken\.jpg .*leave them out"):
        fitted.predict([paths[0], tmp_path / "broken.jpg"])


def test_a_parameter_without_effect_is_refused_as_in_a_fit(paths: NDArray[np.str_], kinds: NDArray[np.str_]) -> None:
    with pytest.raises(SettingsError, match=r"optim\.lr: 0\.1 has no effect, as the method head solves"):
        classifier(lr=0.1).fit(paths, kinds)


def test_a_pickle_brings_its_run_and_leaves_with_it(fitted: PhotoClassifier, paths: NDArray[np.str_]) -> None:
    other = pickle.loads(pickle.dumps(fitted))
    folder = other.run_path_
    assert folder != fitted.run_path_
    assert (other.predict_proba(paths[:5]) == fitted.predict_proba(paths[:5])).all()
    del other
    gc.collect()
    assert not folder.parent.exists()
    assert fitted.run_path_.is_dir()


def test_a_run_is_kept_where_it_is_asked_for(pixels: NDArray[np.uint8], tmp_path: Path) -> None:
    labels = np.arange(24) % 2
    found = classifier(runs_dir=tmp_path / "runs").fit(pixels, labels)
    again = pickle.loads(pickle.dumps(found))
    (kept,) = (tmp_path / "runs").iterdir()
    assert again.run_path_ == found.run_path_ == kept
    assert kept.name.startswith("head-")
    del found, again
    gc.collect()
    assert kept.is_dir()


@pytest.mark.slow
def test_folds_by_groups_and_a_search(paths: NDArray[np.str_], kinds: NDArray[np.str_]) -> None:
    groups = np.arange(60) // 2
    found = cross_validate(classifier(), paths, kinds, groups=groups, cv=GroupKFold(2), return_estimator=True)
    assert len(found["test_score"]) == 2
    for estimator in found["estimator"]:
        assert estimator.run_path_.is_dir()
    grid = {"method": ["head"], "settings": [{**SETTINGS, "seed": 3}, SETTINGS]}
    search = GridSearchCV(classifier(), grid, cv=2).fit(paths, kinds)
    assert search.best_params_["method"] == "head"
    assert search.predict(paths[:3]).shape == (3,)


@pytest.mark.slow
def test_in_a_pipeline_and_groups_held_out_inside(paths: NDArray[np.str_], kinds: NDArray[np.str_]) -> None:
    import pyarrow.csv as csv

    absolute = FunctionTransformer(lambda names: np.array([str(Path(name).absolute()) for name in names]))
    groups = np.array([f"product {number // 5}" for number in range(60)])
    line = make_pipeline(absolute, classifier())
    line.fit(paths, kinds, photoclassifier__groups=groups)
    splits = csv.read_csv(line[-1].run_path_ / "splits.csv").to_pydict()
    sides = dict(zip(splits["path"], splits["split"], strict=True))
    product = dict(zip(paths, groups, strict=True))
    found = {(product[path], side) for path, side in sides.items()}
    assert sorted(group for group, _ in found) == sorted(set(groups))


@pytest.mark.slow
def test_the_same_seed_repeats_bit_for_bit(fitted: PhotoClassifier, paths: NDArray[np.str_], kinds: Any) -> None:
    again = clone(fitted).fit(paths, kinds)
    assert (again.predict_proba(paths) == fitted.predict_proba(paths)).all()


class TableClassifier(PhotoClassifier):
    """The estimator on pictures of the rows of a table, for scikit-learn's checks, which know tables alone."""

    def fit(self, X: Any, y: Any, groups: Any = None) -> TableClassifier:
        X, y = validate_data(self, X, y)
        super().fit(pictures(X), y, groups)
        return self

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        return super().predict_proba(pictures(validate_data(self, X, reset=False)))

    def _flags(self, folder: Path) -> dict[str, Any]:
        return super()._flags(folder) | {**SETTINGS, "backbone": "test_resnet", "weights": "none"}

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array, tags.no_validation = True, False
        return tags


def pictures(table: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return a picture [SIDE, SIDE, 3] of each row: a stripe a feature, from black for low to white for high."""
    levels = np.clip(127.5 * (1 + np.arcsinh(table) / 7), 0, 255).astype(np.uint8)
    stripes = levels[:, None, np.arange(SIDE) * levels.shape[1] // SIDE, None]
    return np.ascontiguousarray(np.broadcast_to(stripes, (len(table), SIDE, SIDE, 3)))


EXPECTED = {
    "check_methods_subset_invariance": "asks for 1e-7, and float32 adds up a batch of another size in another order",
}
"""Checks that fail, each with its reason."""


@pytest.mark.slow
@parametrize_with_checks([TableClassifier()], expected_failed_checks=lambda _: EXPECTED)
def test_the_checks_of_scikit_learn(estimator: Any, check: Any) -> None:
    check(estimator)
