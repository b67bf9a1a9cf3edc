"""YAML as this project reads it: data only, and no key given twice."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import yaml


def documents(text: str) -> list[Any]:
    """The documents in `text`, empty ones left out. Raises `yaml.YAMLError` with the place of what is wrong."""
    try:
        return [document for document in yaml.load_all(text, _Loader) if document is not None]
    except RecursionError as error:
        raise yaml.YAMLError("it is nested too deeply") from error


class _Loader(yaml.SafeLoader):
    """Of two values for one key YAML's own loader keeps the last, silently."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, Hashable):
                raise yaml.constructor.ConstructorError(None, None, "a key is a single value", key_node.start_mark)
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"the key {key!r} is given twice", node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)
