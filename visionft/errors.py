"""Every failure a user can cause, as a tree.

VisionftError            exit code 1: something the user can mend
├── UsageError           exit code 2: the call itself is wrong (also a ValueError)
│   └── SettingsError    one or several settings are wrong, one line each
├── DataError            the photos or the manifest cannot be used as given
│   └── PhotoError       one photo cannot be decoded; `reason` says why (quarantined, not fatal)
├── WeightsError         pretrained weights cannot be found, read or fitted to the backbone
├── BackboneError        no such backbone, or it cannot do what was asked
├── RunError             the run folder cannot be used
│   ├── RunBusyError     another live process holds it
│   └── RunMismatchError it was made with other settings or other photos
├── BundleError          the bundle is missing, incomplete or of another version
├── ParityError          the exported model does not answer like the trained one
├── PrecisionError       the shrunken model loses too much, or gains too little
├── TargetError          the runtime to export for cannot be had
├── HubError             the Hugging Face hub is out of reach, refuses, or holds something else
├── SearchIndexError     the index of a catalogue is missing, damaged, in use, or made by another model
├── DiskSpaceError       not enough room for what the command will write
├── MemoryShortError     the machine ran out of memory even at the smallest micro-batch
├── ProcessLostError     another process of the same fit ended, or cannot be reached
└── MissingExtraError    an optional dependency is not installed; the message holds the pip line

A message has three facts: what is wrong, what was given, what to do. Each is one sentence, on one line.
"""

from __future__ import annotations

from collections.abc import Sequence


class VisionftError(Exception):
    """A failure the user can mend; the command line prints its message and exits with `exit_code`.

    Attributes:
        exit_code: of the process.
        said_elsewhere: whether another process of the same fit says it, so that this one ends without a word.
        in_result: whether a command's JSON object has it already, beside what was done all the same.
    """

    exit_code = 1
    said_elsewhere = False
    in_result = False


class UsageError(VisionftError, ValueError):
    """The call itself is wrong: an unknown name, a value out of range, a missing argument."""

    exit_code = 2


class SettingsError(UsageError):
    """One or several settings are wrong; `faults` has one line for each."""

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(self.faults))


class DataError(VisionftError):
    """The photos or the manifest cannot be used as given."""


class PhotoError(DataError):
    """One photo cannot be decoded; `reason` is a short phrase for the quarantine list."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class WeightsError(VisionftError):
    """Pretrained weights cannot be found, read or fitted to the backbone."""


class BackboneError(VisionftError):
    """No such backbone, or it cannot do what was asked of it."""


class RunError(VisionftError):
    """The run folder cannot be used."""


class RunBusyError(RunError):
    """Another live process holds the run folder."""


class RunMismatchError(RunError):
    """The run folder was made with other settings or other photos."""


class BundleError(VisionftError):
    """The bundle is missing, incomplete or of another version."""


class ParityError(VisionftError):
    """The exported model does not answer like the trained one."""


class PrecisionError(VisionftError):
    """The shrunken model loses too much accuracy, or is not faster or smaller."""


class TargetError(VisionftError):
    """The runtime to export for cannot be installed here."""


class HubError(VisionftError):
    """The Hugging Face hub is out of reach, refuses, or holds something else than was asked for."""


class SearchIndexError(VisionftError):
    """The index of a catalogue is missing, damaged, in use, or was made by another model."""


class DiskSpaceError(VisionftError):
    """There is not enough room for what the command will write."""


class MemoryShortError(VisionftError):
    """The machine ran out of memory even at the smallest micro-batch."""


class ProcessLostError(VisionftError):
    """Another process of the same fit ended, or cannot be reached."""


class MissingExtraError(VisionftError):
    """An optional dependency is not installed."""
