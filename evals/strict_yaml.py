"""YAML as this project reads it: JSON's values and no others, no key given twice, and every value with its line."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import yaml

MAX_VALUES = 1_000_000
"""In one document, its aliases written out: a few lines of aliases of aliases can stand for billions."""
TAG = "tag:yaml.org,2002:"
MERGE = f"{TAG}merge"
"""The key `<<`, which lays another mapping's keys under a mapping's own."""
TAGS = frozenset(f"{TAG}{name}" for name in ("bool", "float", "int", "map", "null", "seq", "str"))
QUOTED = re.compile(r""" (['"])(?!.\1(?:[ ,]|$))[^<].+\1""")
"""What a parser quotes of a document, which may be a secret. Single characters, `'<block end>'` and the like are its
own words."""

Place = Sequence[str | int]
"""The keys and indexes that lead to a value."""


class Malformed(yaml.YAMLError):
    """`problem` quotes no value of the document. `line` counts from 1."""

    def __init__(self, problem: str, line: int | None = None) -> None:
        super().__init__(problem if line is None else f"line {line}: {problem}")
        self.problem = problem
        self.line = line


@dataclass(frozen=True, slots=True)
class Document:
    value: Any
    _node: yaml.Node

    def line(self, place: Place) -> int:
        """Where the key, or the item of a list, that `place` leads to begins; counts from 1. Of a place that is not
        there, the line of what it should be in."""
        line, node = self._node.start_mark.line, self._node
        for step in place:
            found = _below(node, step)
            if found is None:
                break
            key, node = found
            line = key.start_mark.line
        return line + 1

    def holds(self, place: Place) -> bool:
        node = self._node
        for step in place:
            found = _below(node, step)
            if found is None:
                return False
            _, node = found
        return True


def _below(node: yaml.Node, step: str | int) -> tuple[yaml.Node, yaml.Node] | None:
    """What says that the value at `step` begins, and the value. Of keys laid under a mapping's own, those come last."""
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step], node.value[step]
    if isinstance(node, yaml.MappingNode):
        for key, value in reversed(node.value):
            if key.value == step:
                return key, value
    return None


def documents(text: str) -> list[Any]:
    """The values of the documents in `text`, empty ones left out. Raises `Malformed`."""
    return [document.value for document in read(text)]


def read(text: str) -> list[Document]:
    """The documents in `text`, empty ones left out. Raises `Malformed` with the place of what is wrong."""
    try:
        found = [document for document in _Loader(text).documents() if document.value is not None]
        orjson.dumps([document.value for document in found])
    except Malformed:
        raise
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = ", ".join(part for part in (error.context, error.problem) if part)
        raise Malformed(QUOTED.sub("", said), mark.line + 1 if mark is not None else None) from None
    except yaml.reader.ReaderError as error:
        raise Malformed(f"{error.reason}, at character {error.position}") from None
    except RecursionError:
        raise Malformed("it is nested too deeply") from None
    except TypeError as error:
        raise Malformed(f"a value is none of JSON's: {error}") from None
    return found


class _Loader(yaml.SafeLoader):
    """Of two values for one key YAML's own loader keeps the last, silently. A date stays the text it was."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - where the base class looks
        first: [(tag, pattern) for tag, pattern in resolvers if tag != f"{TAG}timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def documents(self) -> Iterator[Document]:
        try:
            while self.check_node():
                node = self.get_node()
                assert node is not None
                if _size(node, {}) > MAX_VALUES:
                    raise Malformed("aliases stand for too much", node.start_mark.line + 1)
                yield Document(self.construct_document(node), node)
        finally:
            self.dispose()

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        line = node.start_mark.line + 1
        if node.tag not in TAGS:
            raise Malformed("a value is none of JSON's: its tag is of another kind", line)
        try:
            value = super().construct_object(node, deep)
        except (ValueError, KeyError):
            raise Malformed("a value is not what its tag says", line) from None
        if isinstance(node, yaml.ScalarNode):
            _check(value, line)
        return value

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key_node, _ in node.value:
            if key_node.tag == MERGE:
                continue
            key = self.construct_object(key_node, deep=True)
            line = key_node.start_mark.line + 1
            if not isinstance(key, str):
                raise Malformed(f"the key {key!r} is no text", line)
            if key in seen:
                raise Malformed(f"the key {key!r} is given twice", line)
            seen.add(key)
        return super().construct_mapping(node, deep)


def _check(value: Any, line: int) -> None:
    try:
        kept = orjson.loads(orjson.dumps(value))
    except TypeError as error:
        raise Malformed(f"a value is none of JSON's: {error}", line) from None
    if kept != value:
        raise Malformed("a number is not finite", line)


def _size(node: yaml.Node, known: dict[int, int]) -> int:
    """How many values a node stands for; `known` are those of nodes seen already, which aliases share."""
    if id(node) not in known:
        parts: list[yaml.Node] = []
        if isinstance(node, yaml.SequenceNode):
            parts = node.value
        elif isinstance(node, yaml.MappingNode):
            parts = [part for pair in node.value for part in pair]
        known[id(node)] = 1 + sum(_size(part, known) for part in parts)
    return known[id(node)]
