"""What is pushed of a run or a bundle: files as they are, records without paths, a card and new digests."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from visionft.bundle import Bundle
from visionft.bundle import names as n
from visionft.bundle.schema import BundleRecord, GoldenRecord
from visionft.errors import BundleError
from visionft.files.digests import NAME, Digests
from visionft.files.safe_open import Entry, UnreadableError, entry_of_bytes
from visionft.runs import Run, layout
from visionft.runs.run_files import read_json
from visionft.sharing import hub_card, without_paths
from visionft.sharing.shared_files import Chosen, Pictures, choose


@dataclass(frozen=True)
class Staged:
    """What is to be pushed.

    Attributes:
        kind: `run` or `bundle`.
        contents: of each file by its name: where it lies, or its bytes.
        entries: size and digest of each.
        kept: files that stay here, by the reason.
    """

    kind: str
    contents: Mapping[str, Path | bytes]
    entries: Mapping[str, Entry]
    kept: Mapping[str, tuple[str, ...]]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(entry.bytes for entry in self.entries.values())


def of_bundle(bundle: Bundle, repository: str, pictures: Pictures) -> Staged:
    """Stage a bundle; without pictures its record says, as after `--golden none`, that there are no golden photos.

    Raises:
        BundleError: it has no digests, being of an older version.
    """
    known = _digests(bundle.path, "visionft export")
    chosen, record = choose("bundle", known.files, pictures), bundle.record
    written: dict[str, bytes] = {}
    if chosen.kept:
        record = _without_golden(record)
        written[n.RECORD_FILE] = (json.dumps(record.to_json(), indent=2, ensure_ascii=False) + "\n").encode()
    written[n.CARD_FILE] = hub_card.of_bundle(record, repository).encode()
    return _staged("bundle", bundle.path, chosen, known, written)


def of_run(run: Run, repository: str, pictures: Pictures) -> Staged:
    """Stage a finished run; its records lose the folders of this machine.

    Raises:
        RunError: a record is damaged.
        BundleError: it has no digests, being of an older version.
    """
    known = _digests(run.path, "visionft fit")
    chosen, private = choose("run", known.files, pictures), _paths_of(run)
    records = [name for name in chosen.sent if name.endswith(".json") or name == layout.SETTINGS]
    written = {name: without_paths.record(run.path, name, private) for name in records}
    place = run.path / layout.EVALUATION / hub_card.TEST / "metrics.json"
    test = read_json(place) if os.path.lexists(place) else {}
    written[n.CARD_FILE] = hub_card.of_run(run, repository, test).encode()
    return _staged("run", run.path, chosen, known, written)


def _digests(folder: Path, command: str) -> Digests:
    try:
        return Digests.read(folder)
    except UnreadableError as error:
        raise BundleError(
            f"{folder} cannot be pushed: its {NAME} cannot be used ({error.reason}), so that whoever fetches it could "
            f"compare nothing; make it again with this version's `{command}`"
        ) from error


def _staged(kind: str, folder: Path, chosen: Chosen, known: Digests, written: Mapping[str, bytes]) -> Staged:
    entries = {name: known.files[name] for name in chosen.sent}
    entries |= {name: entry_of_bytes(content) for name, content in written.items()}
    digests = Digests(dict(entries)).text().encode()
    contents: dict[str, Path | bytes] = {name: folder / name for name in chosen.sent}
    contents |= {**written, NAME: digests}
    return Staged(kind, contents, {**entries, NAME: entry_of_bytes(digests)}, chosen.kept)


def _without_golden(record: BundleRecord) -> BundleRecord:
    none = GoldenRecord(kind="none", n=0)
    adapters = tuple(adapter.model_copy(update={"golden": none}) for adapter in record.adapters)
    return record.model_copy(update={"golden": none, "adapters": adapters})


def _paths_of(run: Run) -> list[str]:
    """Return the paths that the run's records surely hold."""
    data, settings = read_json(run.path / layout.DATA), run.settings.model_dump(mode="json")
    texts: list[Any] = [*settings.values(), data.get("root"), data.get("source"), str(run.path.absolute())]
    is_path: Callable[[Any], bool] = lambda text: isinstance(text, str) and os.path.isabs(text)  # noqa: E731, PTH117
    return [text for text in texts if is_path(text)]
