"""A classifier of photos for scikit-learn: an estimator whose fit is a run of visionft's.

It goes where estimators go: `clone`, `GridSearchCV`, `cross_validate`, `Pipeline`. What is asked of it is asked of
photos: paths, or arrays of pixels.
"""

from __future__ import annotations

import io
import secrets
import shutil
import tarfile
import tempfile
import unicodedata
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d

from visionft.errors import DataError, UsageError
from visionft.photos.photo_inputs import Exact
from visionft.runs import Run
from visionft.training import train
from visionft.wording.lists import some
from visionft.workflows.fit_settings import fit_settings
from visionft.workflows.predict import predict

TAKEN = "give paths, or an array of uint8 [N, H, W, 3]"


class PhotoClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Fine-tune a pretrained network on photos, as an estimator of scikit-learn's.

    Photos are given as a list, array or column of paths, of pictures of PIL or of arrays (H, W, 3), or as one array of
    uint8 [N, H, W, 3]. All of them are for training; a share is held out inside for what a fit chooses by it. The run
    is a folder, which `runs_dir` keeps; without it the folder goes with the estimator, and travels in its pickle.

    Args:
        method: the fine-tuning method, such as `head`, `full` or `lora`.
        backbone: a timm model name; `auto`: one that suits the hardware.
        weights: `hub`, `none`, a file, or `auto`.
        epochs: passes over the photos, or `auto`.
        lr: peak learning rate of the top of the backbone, or `auto`; the default method `head` has none.
        validation: share of the photos held out inside, above 0 and below 1.
        random_state: an int repeats bit for bit on one machine; a RandomState or None draws the run's seed.
        settings: any further settings of `visionft.fit`, nested or dotted, such as `{"augment.strength": "light"}`.
        runs_dir: a folder in which each fit leaves its run; none: a temporary one.
        verbose: whether the lines of a fit are printed.

    Attributes:
        classes_: the labels [C], sorted.
        run_path_: the folder of the run.
    """

    def __init__(
        self,
        method: str = "head",
        backbone: str = "auto",
        weights: str = "auto",
        epochs: int | str = "auto",
        lr: float | str = "auto",
        validation: float = 0.15,
        random_state: Any = 0,
        settings: Mapping[str, Any] | None = None,
        runs_dir: str | Path | None = None,
        verbose: bool = False,
    ) -> None:
        self.method, self.backbone, self.weights, self.epochs, self.lr = method, backbone, weights, epochs, lr
        self.validation, self.random_state, self.settings = validation, random_state, settings
        self.runs_dir, self.verbose = runs_dir, verbose

    def fit(self, X: Any, y: ArrayLike, groups: ArrayLike | None = None) -> Self:
        """Fine-tune on N photos.

        Args:
            X: the photos, N of them.
            y: a label for each [N]: text or numbers.
            groups: the product of each photo [N]: those of one are all trained on or all held out inside. (The
                `groups` of `cross_validate` are its splitter's; `set_fit_request(groups=True)` brings them here too.)

        Raises:
            UsageError: these are no photos, or labels of another length.
            VisionftError: as of `visionft.fit`.
        """
        photos, labels = photos_of(X), column_or_1d(y, warn=True)
        check_classification_targets(labels)
        _require_length("y", labels, photos)
        columns: dict[str, Sequence[Any]] = {"path": photos, "label": [_name(label) for label in labels]}
        if groups is not None:
            _require_length("groups", column_or_1d(groups), photos)
            columns["group"] = [str(group) for group in column_or_1d(groups)]
        self.classes_ = np.unique(labels)
        if len({_name(label) for label in self.classes_}) < max(2, len(self.classes_)):
            raise UsageError(
                f"y has {len(self.classes_)} class ({some(map(_name, self.classes_))}); give labels of two or more"
                if len(self.classes_) < 2
                else "y has labels that differ and are written alike; give text or whole numbers"
            )
        folder = self._new_folder()
        say = print if self.verbose else lambda _: None
        run = train(fit_settings(columns, None, self._flags(folder), say=say), say)
        self._take(run.path)
        return self

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the most probable label of each photo [N].

        Raises:
            UsageError, DataError: these are no photos, or one cannot be read.
        """
        probable = self.predict_proba(X).argmax(axis=1)
        answers: NDArray[Any] = self.classes_[probable]
        return answers

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Return calibrated probabilities [N, C] in the order of `classes_`; each row's sum is 1.

        Raises:
            UsageError, DataError: these are no photos, or one cannot be read.
        """
        check_is_fitted(self)
        photos = photos_of(X)
        if not photos:
            return np.zeros((0, len(self.classes_)))
        answers = predict(self.run_path_, [Exact(photo) if isinstance(photo, str) else photo for photo in photos])
        if answers.unanswered:
            first = answers.unanswered[0]
            raise DataError(
                f"{len(answers.unanswered)} of {len(photos)} photos cannot be read, such as {first.path} "
                f"({first.problem}); leave them out: scikit-learn wants an answer for each"
            )
        _require_length("answers", answers, photos)
        found = np.stack([row.probabilities for row in answers.answered]).astype(np.float64)
        order = [answers.classes.index(_name(label)) for label in self.classes_]
        probabilities: NDArray[np.float64] = found[:, order] / found[:, order].sum(axis=1, keepdims=True)
        return probabilities

    @property
    def run_(self) -> Run:
        """The run of the last fit, for `visionft.evaluate`, `visionft.export` and the others."""
        check_is_fitted(self)
        return Run.open(self.run_path_)

    def _flags(self, folder: Path) -> dict[str, Any]:
        seed = self.random_state
        if not isinstance(seed, int | np.integer):
            seed = check_random_state(seed).randint(2**31 - 1)
        own = {
            "method": self.method, "backbone": self.backbone, "weights": self.weights, "epochs": self.epochs,
            "optim.lr": self.lr, "data.validation": self.validation, "data.test": 0.0, "seed": int(seed), "out": folder,
        }  # fmt: skip
        return {name: value for name, value in own.items() if value != "auto"} | dict(self.settings or {})

    def _new_folder(self) -> Path:
        """Return where the next run goes; that of an earlier fit goes with it, if it was a temporary one."""
        if self.runs_dir is not None:
            self.__dict__.pop("_removal", lambda: None)()
            return Path(self.runs_dir) / f"{self.method}-{secrets.token_hex(4)}"
        return self._temporary() / "run"

    def _temporary(self) -> Path:
        self.__dict__.pop("_removal", lambda: None)()
        folder = Path(tempfile.mkdtemp(prefix="visionft-sklearn-"))
        self._removal = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        return folder

    def _take(self, path: Path) -> None:
        self.run_path_ = path
        names = set(Run.open(path).classes.names)
        if lost := [_name(label) for label in self.classes_ if _name(label) not in names]:
            raise DataError(f"no photo of {some(lost)} can be used; see {path / 'data.json'}, or leave the class out")

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = dict(super().__getstate__())
        if state.pop("_removal", None) is not None and "run_path_" in state:
            state["_packed"] = _packed(state.pop("run_path_"))
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        packed = state.pop("_packed", None)
        super().__setstate__(state)
        if packed is not None:
            folder = self._temporary()
            with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
                archive.extractall(folder, filter="data")
            self.run_path_ = folder / "run"

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array, tags.input_tags.string = False, True
        tags.no_validation = True
        return tags


def photos_of(X: Any) -> list[Any]:
    """Return photos one by one: paths as text, else what `visionft.predict` takes.

    Args:
        X: a list, array, or column of a table of paths, pictures or arrays (H, W, 3), or uint8 [N, H, W, 3].

    Raises:
        UsageError: it is none of these.
    """
    if isinstance(X, str | bytes | Path) or not hasattr(X, "__len__"):
        raise UsageError(f"X is a {type(X).__name__}, and not several photos; {TAKEN}")
    if hasattr(X, "shape") and not isinstance(X, np.ndarray):  # a DataFrame or a Series
        X = np.asarray(X, dtype=object)
    if isinstance(X, np.ndarray):
        X = X[:, 0] if X.ndim == 2 and X.shape[1] == 1 and X.dtype.kind in "OU" else X
        pixels = X.ndim == 4 and X.shape[-1] == 3 and X.dtype == np.uint8
        if not pixels and not (X.ndim == 1 and X.dtype.kind in "OU"):
            raise UsageError(f"X is an array of {X.dtype} {list(X.shape)}, which are no photos; {TAKEN}")
    return [str(photo) if isinstance(photo, str | Path) else photo for photo in X]


def _name(label: Any) -> str:
    """Return a label as the name of a class."""
    return unicodedata.normalize("NFC", str(label))


def _require_length(what: str, values: Any, photos: Sequence[Any]) -> None:
    if len(values) != len(photos):
        raise UsageError(f"{what}: there are {len(values)} for {len(photos)} photos; give one for each")


def _packed(run: Path) -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as archive:
        archive.add(run, arcname="run")
    return held.getvalue()
