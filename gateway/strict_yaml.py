"""YAML as this project reads it: JSON's values and no others, and no key given twice."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Any

import orjson
import yaml

MAX_VALUES = 1_000_000
"""In one document, its aliases written out: a few lines of aliases of aliases can stand for billions."""
MERGE = "tag:yaml.org,2002:merge"
"""The key `<<`, which lays another mapping's keys under a mapping's own."""


def documents(text: str) -> list[Any]:
    """The documents in `text`, empty ones left out. Raises `yaml.YAMLError` with the place of what is wrong."""
    try:
        loader = _Loader(text)
        found = [document for document in loader.documents() if document is not None]
        if orjson.loads(orjson.dumps(found, option=orjson.OPT_PASSTHROUGH_DATETIME)) == found:
            return found
    except RecursionError as error:
        raise yaml.YAMLError("it is nested too deeply") from error
    except TypeError as error:
        raise yaml.YAMLError(f"a value is none of JSON's: {error}") from error
    raise yaml.YAMLError("a number is not finite")


class _Loader(yaml.SafeLoader):
    """Of two values for one key YAML's own loader keeps the last, silently. A date stays the text it was."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - where the base class looks
        first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def documents(self) -> Iterator[Any]:
        try:
            while self.check_node():
                node = self.get_node()
                assert node is not None
                if _size(node, {}) > MAX_VALUES:
                    raise yaml.constructor.ConstructorError(None, None, "aliases stand for too much", node.start_mark)
                yield self.construct_document(node)
        finally:
            self.dispose()

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key_node, _ in node.value:
            if key_node.tag == MERGE:
                continue
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise yaml.constructor.ConstructorError(None, None, f"the key {key!r} is no text", key_node.start_mark)
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"the key {key!r} is given twice", node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


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
