"""What a suite is held against, read piece by piece: files of training data, prompts and documents."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import orjson

from evals.contamination.check import Text
from evals.errors import BadInput
from evals.sample import Json, Sample, text_of

MOST_CHARACTERS = 16 * 1024 * 1024
"""Of a line that is read at a time; what is longer is read as several."""
MARK = re.compile(r"^\s*(?:[-*>•]|\d{1,3}[.)])\s+")
QUOTES = "\"'\u201c\u201d\u2018\u2019\u00ab\u00bb"


def items_of(samples: Iterable[Sample]) -> Iterator[Text]:
    """What a sample asks: the last message of the user, and, where a prompt is filled, its variables."""
    for sample in samples:
        variables = [value for value in sample.variables.values() if isinstance(value, str)]
        yield sample.id, "\n".join(part for part in (sample.question, *variables) if part)


def file(path: Path) -> Iterator[Text]:
    """The texts of a file, one by one: of JSON Lines all texts in a row, each by itself; of anything else its lines.
    What is no UTF-8 is read as far as it goes. Raises `BadInput`."""
    rows = path.suffix.lower() in (".jsonl", ".ndjson")
    try:
        with path.open(encoding="utf-8", errors="replace") as held:
            number = 0
            while line := held.readline(MOST_CHARACTERS):
                number += 1
                yield from _row(f"{path.name}:{number}", line) if rows else [(f"{path.name}:{number}", line)]
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}.", file=str(path)) from error


def prompt(messages: Iterable[Json]) -> Iterator[Text]:
    """The messages of a prompt, and each of their lines: where examples stand, and what an example holds."""
    for number, message in enumerate(messages):
        text = text_of(message)
        yield f"message {number + 1}", text
        lines = text.splitlines()
        if len(lines) > 1:
            for count, line in enumerate(lines, 1):
                yield f"message {number + 1}, line {count}", _said(line)


def _said(line: str) -> str:
    """Without a mark before it, as `-` or `3.`, of who speaks, as `Q:` or `Customer:`, and quotes around it."""
    line = MARK.sub("", line)
    who, colon, rest = line.partition(":")
    said = rest if colon and rest.strip() and len(who.split()) <= 2 and len(who) <= 20 else line
    return said.strip().strip(QUOTES)


def _row(place: str, line: str) -> Iterator[Text]:
    """A line that is no JSON is a text."""
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        yield place, line
        return
    yield from ((place, text) for text in _texts(value))


def _texts(value: Any) -> Iterator[str]:
    """All that is no key, however deep."""
    waiting = [value]
    while waiting:
        held = waiting.pop()
        if isinstance(held, str):
            yield held
        elif isinstance(held, dict):
            waiting += reversed(held.values())
        elif isinstance(held, list):
            waiting += reversed(held)
