"""Paths in Handlebars: what `name`, `this`, `../name` and `@index` mean where they stand, as an expression of ours."""

from __future__ import annotations

import json
import re

from gateway.prompts.formats.pieces import is_variable
from gateway.prompts.formats.source import refusal

LITERALS = {"true": "true", "false": "false", "null": "none", "undefined": "none"}
IN_A_LOOP = {"@index": "loop.index0", "@first": "loop.first", "@last": "loop.last"}
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_PATH = re.compile(r"(?P<up>(?:\.\./)*)(?P<here>(?:this|\.)(?:[./]|\Z)|@root\.)?(?P<rest>.*)", re.DOTALL)
_SEGMENT = re.compile(r"\[([^\]]*)\](?:[./]|\Z)|([^.\[\]/@|]+)(?:[./]|\Z)")
_IDENTIFIER = re.compile(r"[^\W\d]\w*")


class Paths:
    """Scopes are entered and left as blocks are. `names` are the variables that were read, `others` those of them that
    were more than written out."""

    def __init__(self, at: str) -> None:
        self.names: set[str] = set()
        self.others: set[str] = set()
        self._at = at
        self._contexts = [""]
        self._params: list[dict[str, str]] = []

    @property
    def at_the_root(self) -> bool:
        return len(self._contexts) == 1

    def enter(self, context: str, params: tuple[str, ...], shown: str) -> None:
        """Paths now begin at `context`; a block's parameter stands for `shown`."""
        self._contexts.append(context)
        self._params.append(dict.fromkeys(params, shown))

    def leave(self) -> None:
        self._contexts.pop()
        self._params.pop()

    def value(self, word: str, line: int) -> str:
        """An expression for a literal or a path. Raises `BadRequest` for what has no equal here."""
        if word[0] in "\"'":
            return json.dumps(re.sub(rf"\\({word[0]})", r"\1", word[1:-1]))
        if _NUMBER.fullmatch(word) or word in LITERALS:
            return LITERALS.get(word, word)
        if word in IN_A_LOOP and not self.at_the_root:
            return IN_A_LOOP[word]
        return self.path(word, line)

    def path(self, word: str, line: int) -> str:
        parsed = _PATH.fullmatch(word.removesuffix("..") + ("../this" if word.endswith("..") else ""))
        segments = _segments(parsed["rest"]) if parsed is not None else None
        if parsed is None or segments is None:
            raise self._refused(word, line)
        depth = parsed["up"].count("..")
        if not depth and parsed["here"] is None:
            for params in reversed(self._params):
                if segments and segments[0] in params:
                    return params[segments[0]] + _joined(segments[1:])
        if depth >= len(self._contexts):
            raise self._refused(word, line)
        context = "" if parsed["here"] == "@root." else self._contexts[-1 - depth]
        return context + _joined(segments) if context else self._variable(word, segments, line)

    def _variable(self, word: str, segments: list[str], line: int) -> str:
        if not segments or not is_variable(segments[0]) or (segments[0] == "loop" and not self.at_the_root):
            raise self._refused(word, line)
        self.names.add(segments[0])
        if len(segments) > 1:
            self.others.add(segments[0])
        return segments[0] + _joined(segments[1:])

    def _refused(self, word: str, line: int) -> Exception:
        return refusal(self._at, f"line {line}: {word[:80]!r} has no equal here")


def _segments(path: str) -> list[str] | None:
    found = []
    rest = 0
    while rest < len(path):
        segment = _SEGMENT.match(path, rest)
        if segment is None:
            return None
        found.append(segment[1] if segment[1] is not None else segment[2])
        rest = segment.end()
    return found


def _joined(segments: list[str]) -> str:
    return "".join(map(_step, segments))


def _step(segment: str) -> str:
    if _IDENTIFIER.fullmatch(segment):
        return f".{segment}"
    return f"[{segment}]" if segment.isdecimal() else f"[{json.dumps(segment)}]"
