"""Addresses of models on the Hugging Face hub, `hf://OWNER/NAME`; also where a path has lost one of its slashes."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from visionft.errors import UsageError
from visionft.wording.safe_text import printable

_ADDRESS = re.compile(r"hf:/{1,3}(?P<rest>[^/].*)", re.DOTALL | re.IGNORECASE)
_PART = r"[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?"
_REPOSITORY = re.compile(rf"(?P<owner>{_PART})/(?P<name>{_PART})")
_REVISION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_./-]{0,199}")
_LONGEST = 96
_OTHER_KINDS = ("datasets", "spaces")
"""First parts of addresses of what is no model."""


@dataclass(frozen=True)
class HubAddress:
    """A model's repository on the hub.

    Attributes:
        repository: `OWNER/NAME`.
        revision: a branch, a tag or a commit; none: the main branch.
    """

    repository: str
    revision: str | None = None

    @property
    def name(self) -> str:
        """The repository's name without its owner."""
        return self.repository.partition("/")[2]

    def __str__(self) -> str:
        return f"hf://{self.repository}{'' if self.revision is None else f'@{self.revision}'}"


def hub_address_of(place: str | os.PathLike[str]) -> HubAddress | None:
    """Return the model on the hub that a place stands for; None for a path of this machine.

    Raises:
        UsageError: it is an address of the hub, and of no model.
    """
    text = os.fsdecode(place)
    found = _ADDRESS.fullmatch(text)
    if found is None or os.path.lexists(text):
        return None
    repository, sign, revision = found["rest"].rstrip("/").partition("@")
    if sign and not _REVISION.fullmatch(revision):
        raise UsageError(f"{printable(text)}: {printable(revision)!r} is no revision; give hf://OWNER/NAME@REVISION")
    return HubAddress(repository_of(repository), revision or None)


def repository_of(given: str) -> str:
    """Return `OWNER/NAME` of a model, given so or as its address.

    Raises:
        UsageError: it is no name that the hub takes.
    """
    found = _ADDRESS.fullmatch(given)
    text = (found["rest"] if found else given).rstrip("/")
    parts = _REPOSITORY.fullmatch(text)
    wrong = parts is None or len(text) > _LONGEST or "--" in text or ".." in text or text.endswith(".git")
    if parts is None or wrong or parts["owner"] in _OTHER_KINDS:
        raise UsageError(
            f"{printable(given)!r} is no model's name on the hub; give OWNER/NAME, of letters, digits and single "
            f"- _ . inside, at most {_LONGEST} in all"
        )
    return text
