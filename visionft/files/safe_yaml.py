"""YAML from outside within bounds of size, depth and aliases; each fault is a sentence with its line and column."""

from __future__ import annotations

import os
import stat
from collections.abc import Hashable
from pathlib import Path
from typing import Any, ClassVar

import yaml
from yaml.composer import ComposerError
from yaml.constructor import ConstructorError

from visionft.errors import SettingsError

MAX_BYTES = 1_000_000
MAX_DEPTH = 32
MAX_NODES = 100_000
"""Keys and values once every alias is written out."""
MAX_DIGITS = 100
_PLAIN = "null bool int float str seq map"
_PREFIX = "tag:yaml.org,2002:"
_KINDS = {"int": "a whole number", "float": "a number", "bool": "true or false"}


def read_yaml(path: Path, name: str) -> Any:
    """Return what a YAML file holds: mappings, lists, texts, numbers, truths and nothing else. Dates stay texts.

    Args:
        path: a regular file of at most a megabyte, in UTF-8.
        name: what the file is called in the sentence where it cannot be read at all, such as `--config: run.yaml`.

    Raises:
        SettingsError: it cannot be read, or is no YAML within the bounds.
    """
    return parse_yaml(_text(path, name), str(path))


def parse_yaml(text: str, name: str) -> Any:
    """Return what a YAML text holds; see `read_yaml`. `name` opens the sentence of a fault."""
    loader = None
    try:
        loader = _Loader(text)
        return loader.get_single_data()
    except yaml.YAMLError as error:
        raise SettingsError([_sentence(error, text, name)]) from None
    finally:
        if loader is not None:
            loader.dispose()


def _text(path: Path, name: str) -> str:
    try:
        data = _bytes(path)
    except (OSError, ValueError) as error:
        reason = "there is no such file" if isinstance(error, FileNotFoundError) else _reason(error)
        raise SettingsError([f"{name} cannot be read ({reason}); give a YAML file"]) from None
    if len(data) > MAX_BYTES:
        raise SettingsError([f"{name} holds more than {MAX_BYTES:,} bytes; give a YAML file of settings alone"])
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise SettingsError([f"{name} is not text in UTF-8; give a YAML file"]) from None


def _bytes(path: Path) -> bytes:
    # Not blocking: opening a pipe that nobody writes to would wait for ever.
    with open(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0)), "rb") as file:  # noqa: PTH123
        kind = os.fstat(file.fileno()).st_mode
        if not stat.S_ISREG(kind):
            raise ValueError("is a directory" if stat.S_ISDIR(kind) else "not a regular file")
        return file.read(MAX_BYTES + 1)


def _reason(error: OSError | ValueError) -> str:
    return (getattr(error, "strerror", None) or str(error)).lower()


def _sentence(error: yaml.YAMLError, text: str, name: str) -> str:
    mark = getattr(error, "problem_mark", None)
    place = f" line {mark.line + 1}, column {mark.column + 1}" if mark else ""
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    if isinstance(error, yaml.reader.ReaderError) and isinstance(error.position, int):
        before = text[: error.position]
        place = f" line {before.count(chr(10)) + 1}, column {len(before) - before.rfind(chr(10))}"
    return f"{name}:{place} is not YAML that can be read ({' '.join(problem.split())}); mend that line"


class _Loader(yaml.SafeLoader):  # type: ignore[misc]  # PyYAML has no types of its own
    """Safe YAML with bounds; keys are texts as they are written, and a key given twice is refused."""

    # A date is a text here: no setting is one, and PyYAML fails on the thirteenth month.
    yaml_implicit_resolvers: ClassVar = {
        first: [(tag, pattern) for tag, pattern in pairs if tag != f"{_PREFIX}timestamp"]
        for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    yaml_constructors: ClassVar = {
        tag: construct
        for tag, construct in yaml.SafeLoader.yaml_constructors.items()
        if tag is None or tag.removeprefix(_PREFIX) in _PLAIN.split()
    }

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0
        self._sizes: dict[int, tuple[int, int]] = {}  # of whole nodes: how many there are in it, and how deep it goes

    def compose_node(self, parent: Any, index: Any) -> Any:
        mark = self.peek_event().start_mark
        if self.check_event(yaml.AliasEvent):
            node = super().compose_node(parent, index)
            if id(node) not in self._sizes:
                raise ComposerError(None, None, "an alias stands inside what it names", mark)
            return node
        self._depth += 1
        self._require(self._depth <= MAX_DEPTH, f"more than {MAX_DEPTH} levels", mark)
        node = super().compose_node(parent, index)
        self._depth -= 1
        within = [self._sizes[id(child)] for child in _children(node)]
        nodes, depth = 1 + sum(count for count, _ in within), 1 + max((depth for _, depth in within), default=0)
        self._require(nodes <= MAX_NODES, f"more than {MAX_NODES:,} values, aliases written out", mark)
        self._require(depth <= MAX_DEPTH, f"more than {MAX_DEPTH} levels, aliases written out", mark)
        self._sizes[id(node)] = nodes, depth
        return node

    def _require(self, fits: bool, problem: str, mark: Any) -> None:
        if not fits:
            raise ComposerError(None, None, problem, mark)

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        tag = str(node.tag).removeprefix(_PREFIX)
        if tag in ("int", "float") and len(node.value) > MAX_DIGITS:
            raise ConstructorError(None, None, f"a number of more than {MAX_DIGITS} signs", node.start_mark)
        try:
            return super().construct_object(node, deep)
        except (ValueError, LookupError, OverflowError, TypeError):
            problem = f"{str(node.value)[:MAX_DIGITS] or 'nothing'} is not {_KINDS.get(tag, 'what its tag says')}"
            raise ConstructorError(None, None, problem, node.start_mark) from None

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
        if not isinstance(node, yaml.MappingNode):
            raise ConstructorError(None, None, "a mapping is wanted", node.start_mark)
        _require_keys(node)
        self.flatten_mapping(node)  # a merged mapping comes first, so that the mapping's own keys win
        return {key.value: self.construct_object(value, deep=deep) for key, value in node.value}


def _children(node: Any) -> list[Any]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _require_keys(node: Any) -> None:
    seen: set[str] = set()
    for key, _ in node.value:
        problem = None
        if not isinstance(key, yaml.ScalarNode):
            problem = "a key has to be a word"
        elif key.value == "":
            problem = "a key is missing"
        elif key.value in seen:
            problem = f"the key {key.value} is given twice"
        if problem:
            raise ConstructorError(None, None, problem, key.start_mark)
        seen.add(key.value)
