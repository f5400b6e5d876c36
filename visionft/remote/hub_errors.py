"""What the Hugging Face hub refuses, and why it is out of reach, in a sentence each."""

from __future__ import annotations

import logging
import urllib.error
import urllib.request
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from huggingface_hub import constants, errors
from huggingface_hub.utils.tqdm import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

from visionft.errors import HubError
from visionft.machine.process_state import quiet_loggers
from visionft.wording.safe_text import printable

ANSWER_SECONDS = 5.0  # the hub's own client waits and retries for longer before it gives up
LOG_IN = "give a token that may, by `hf auth login` or in HF_TOKEN"
_OF_CLIENT: tuple[type[Exception], ...] = tuple(
    kind for kind in errors.HfHubHTTPError.__bases__ if issubclass(kind, Exception)
)
"""Errors of the client that the library stands on, which is another one from version to version, and of the system."""
_FAULTS: tuple[type[Exception], ...] = (*_OF_CLIENT, errors.EntryNotFoundError, ValueError, RuntimeError)
_BY_STATUS = {
    401: f"does not know this token; {LOG_IN}",
    403: f"does not let this token do that; {LOG_IN}",
    409: "says that it is there already; give the same command again",
    412: "was changed by somebody else meanwhile; give the same command again",
    413: "takes no file of that size; see its limits",
    429: "had too many requests; wait a while",
}


@contextmanager
def in_sentences(what: str) -> Iterator[None]:
    """Say what fails inside in one sentence, and draw none of the library's own bars.

    Raises:
        HubError: the hub refuses, is out of reach, or gives an answer that is none.
    """
    drawn = not are_progress_bars_disabled()
    if drawn:
        disable_progress_bars()
    try:
        with quiet_loggers(logging.ERROR, "huggingface_hub"), warnings.catch_warnings():  # a line for each new try
            warnings.simplefilter("ignore", DeprecationWarning)  # of the library's own calls of its client
            yield
    except _FAULTS as error:
        raise HubError(f"{what}: {_sentence(error)}") from error
    finally:
        if drawn:
            enable_progress_bars()


def require_answer(what: str) -> None:
    """Look whether the hub answers at all.

    Raises:
        HubError: it does not, or HF_HUB_OFFLINE is set.
    """
    if constants.HF_HUB_OFFLINE:
        raise HubError(f"{what}: HF_HUB_OFFLINE is set, so that the hub is not asked; unset it")
    try:
        asked = urllib.request.Request(constants.ENDPOINT, method="HEAD")
        urllib.request.urlopen(asked, timeout=ANSWER_SECONDS).close()
    except urllib.error.HTTPError:
        return  # an answer, if not to this question
    except (OSError, ValueError) as error:
        reason = printable(str(getattr(error, "reason", error)))
        raise HubError(
            f"{what}: the hub is out of reach ({constants.ENDPOINT}: {reason}); connect this machine, or set "
            "HF_ENDPOINT to the hub that you have"
        ) from error


def _sentence(error: BaseException) -> str:
    if isinstance(error, errors.GatedRepoError):
        return "its owner wants to be asked first; ask on its page of the hub, with the account of your token"
    if isinstance(error, errors.RepositoryNotFoundError):
        return f"the hub has no such repository, or it is private; look for its name, or {LOG_IN}"
    if isinstance(error, errors.RevisionNotFoundError):
        return "the repository has no such revision; give a branch, a tag or a commit that it has"
    if isinstance(error, errors.LocalEntryNotFoundError):
        return "the hub is out of reach, and not all of it is in the cache; connect this machine"
    if isinstance(error, errors.EntryNotFoundError):
        return "the repository lacks a file that it should have; push again"
    if isinstance(error, errors.HfHubHTTPError):
        status = error.response.status_code
        return f"the hub {_BY_STATUS.get(status, f'fails (HTTP {status}); wait a while, or see its status page')}"
    if isinstance(error, RuntimeError) and error.__cause__ is not None:  # an upload that failed in a thread
        return _sentence(error.__cause__)
    reason = printable(" ".join(str(error).split()))[:200] or type(error).__name__
    return f"the hub gave no answer that can be used ({reason}); give the same command again"
