"""JSON's values as YAML that people read and Git compares: a line for each value, and one for each line of a text.

Written here rather than by a YAML library, whose text would change with its version, and which writes no block of lines
where one of them ends with a space.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import orjson

STEP = "  "
LONGEST_KEY = 1000
"""Characters; YAML takes no longer one for a key without saying so."""
HIDDEN = re.compile(r"[^\t\n\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|[\u2028-\u202e\u2066-\u2069\ufeff]")
"""What is no part of a YAML text as itself, ends a line of it, or turns what is read around."""
PLAIN = re.compile(r"[A-Za-z\u00c0-\ud7ff](?:[^:#\t\n]|:(?! )|(?<! )#)*(?<![: ])")
"""A text of one line that is read as text without quotes. It begins with a letter, and so is no number."""
WORDS = frozenset(("false", "n", "no", "null", "off", "on", "true", "y", "yes"))
"""What one or the other reader of YAML takes for something else than text."""


def lines(value: Any, indent: str = "") -> Iterator[str]:
    """Of a mapping or a list that is not empty, in the order it has."""
    if isinstance(value, dict):
        for key, held in value.items():
            yield from _entry(key, held, indent)
        return
    for item in value:
        if isinstance(item, dict | list) and item:
            first, *others = lines(item, indent + STEP)
            yield f"{indent}- {first.removeprefix(indent + STEP)}"
            yield from others
        else:
            yield from _after(f"{indent}-", item, indent)


def _entry(key: str, value: Any, indent: str) -> Iterator[str]:
    written = _one_line(key)
    head = f"{indent}{written}:" if len(written) <= LONGEST_KEY else f"{indent}? {written}\n{indent}:"
    if isinstance(value, dict | list) and value:
        yield head
        yield from lines(value, indent + STEP)
    else:
        yield from _after(head, value, indent)


def _after(head: str, value: Any, indent: str) -> Iterator[str]:
    """What stands on the line of its key or its dash, and a text's other lines."""
    if isinstance(value, str) and "\n" in value and not _hidden(value):
        yield f"{head} |{_indentation(value)}{_end(value)}"
        for line in value.removesuffix("\n").split("\n"):
            yield f"{indent}{STEP}{line}" if line else ""
    else:
        yield f"{head} {_scalar(value)}"


def _indentation(text: str) -> str:
    """Said where the first line would be taken for more of it."""
    return str(len(STEP)) if text[0].isspace() else ""


def _end(text: str) -> str:
    """Whether the text ends with its last line, with the line's end, or with empty lines."""
    if not text.endswith("\n"):
        return "-"
    return "+" if text.endswith("\n\n") or text == "\n" else ""


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        return _one_line(value)
    if isinstance(value, float):
        written = repr(value)
        return written if "." in written else written.replace("e", ".0e")  # else YAML 1.1 reads a text
    return orjson.dumps(value).decode()


def _one_line(text: str) -> str:
    if PLAIN.fullmatch(text) and text.lower() not in WORDS and not _hidden(text):
        return text
    if ('"' in text or "\\" in text) and not re.search(r"[\t\n]", text) and not _hidden(text):
        return "'" + text.replace("'", "''") + "'"
    return HIDDEN.sub(_escape, orjson.dumps(text).decode())


def _hidden(text: str) -> bool:
    return HIDDEN.search(text) is not None


def _escape(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"
