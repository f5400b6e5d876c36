"""Addresses such as s3://bucket/prefix, told from paths; also where a path has already lost one of its slashes."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field, replace

from visionft.errors import UsageError
from visionft.wording.safe_text import printable

SCHEMES = {"s3": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "hf": "huggingface_hub", "az": "adlfs", "abfs": "adlfs"}
"""What is read from other machines, each with the distribution that speaks it."""
IN_PROCESS = frozenset({"memory"})
"""fsspec's file system of a process, for whoever puts photos there."""
ARCHIVE_SCHEMES = frozenset({"zip", "tar"})
ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".tar.zst")
_MAGIC = re.compile(r"[*?\[{]")
_SECRET = re.compile(r"[^/@:]*:[^/@]*@|.*[?&](sig|X-Amz-Signature)=", re.IGNORECASE)
_ADDRESS = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]+):/{1,3}(?P<rest>[^/].*)", re.DOTALL)  # C:/ is a drive


@dataclass(frozen=True)
class Address:
    """A place on another machine.

    Attributes:
        scheme: such as `s3`.
        rest: what stands behind the slashes, without one at its end.
        exact: whether its signs of a pattern are signs of a name.
    """

    scheme: str
    rest: str
    exact: bool = field(default=False, compare=False)

    def __str__(self) -> str:
        return f"{self.scheme}://{self.rest}"

    @property
    def name(self) -> str:
        """The last part, which photos of this place are called by."""
        return self.rest.rpartition("/")[2] or self.rest

    @property
    def is_pattern(self) -> bool:
        """Whether it stands for several places."""
        return not self.exact and _MAGIC.search(self.rest) is not None

    @property
    def root(self) -> str:
        """What stands before all names that it stands for: of a pattern the folders before its first sign."""
        return _MAGIC.split(self.rest, maxsplit=1)[0].rpartition("/")[0] if self.is_pattern else self.rest

    def exactly(self) -> Address:
        """Return the same, taken as it stands."""
        return replace(self, exact=True)


def address_of(place: str | os.PathLike[str]) -> Address | None:
    """Return the address that a text is; None for a path of this machine, and for archives of it.

    Raises:
        UsageError: an address of a scheme that is not read, or one with a password in it.
    """
    text = os.fsdecode(place)
    found = _ADDRESS.fullmatch(text)
    if found is None or os.path.lexists(text):
        return None
    scheme, rest = found["scheme"].lower(), found["rest"].rstrip("/")
    if scheme in ARCHIVE_SCHEMES:
        return None
    if scheme not in SCHEMES and scheme not in IN_PROCESS:
        raise UsageError(
            f"{printable(text)}: photos are not read from {scheme}://; give a folder, a manifest, an archive, or an "
            "address of s3://, gs://, hf:// or az://"
        )
    if _SECRET.match(rest):
        raise UsageError(
            f"{scheme}://...: an address is written into records and messages, so it may "
            "hold no key: leave it out (what stands before the @ or behind the ?), and set the library's variables"
        )
    return Address(scheme, rest)


def archive_of(place: str | os.PathLike[str]) -> str | None:
    """Return the path of an archive of this machine: photos.zip, zip://photos.zip; None for anything else.

    Raises:
        UsageError: zip:// or tar:// without a file of that name.
    """
    text = os.fsdecode(place)
    found = _ADDRESS.fullmatch(text)
    if found is None or found["scheme"].lower() not in ARCHIVE_SCHEMES:
        return text if is_archive(text) and os.path.isfile(text) else None  # noqa: PTH113  # Path's may raise
    for path in (found["rest"], f"/{found['rest']}"):
        if os.path.isfile(path):  # noqa: PTH113
            return path
    raise UsageError(f"{printable(text)}: there is no file {printable(found['rest'])}; give the path of an archive")


def is_archive(name: str) -> bool:
    """Tell by its name whether a file is an archive."""
    return name.lower().endswith(ARCHIVES)


def stem(name: str) -> str:
    """Return the name of an archive without its ending."""
    ending = next((end for end in ARCHIVES if name.lower().endswith(end)), "")
    return name[: len(name) - len(ending)] or name


def is_elsewhere(place: str | os.PathLike[str]) -> bool:
    """Tell whether a place is an address or an archive; manifests of addresses are not looked into."""
    return address_of(place) is not None or archive_of(place) is not None
