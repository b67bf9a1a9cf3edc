"""Texts into windows of tokens: encoded once, overlapping, nothing left out, each with the characters it stands for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from guardrails.errors import NotRun
from guardrails.models.manifest import TOKENIZER, Manifest
from guardrails.passage import LONG

LEAST_ROOM = 16
"""Tokens of the second text that a window has room for at least, whatever the first one takes."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A window as the model reads it. `start` and `end` are characters of the windowed text; from token `second` on it
    is of the second text."""

    ids: tuple[int, ...]
    second: int
    start: int
    end: int


def starts(count: int, room: int, stride: int) -> range:
    """Where windows of `room` tokens begin, `stride` apart, until one reaches the end of `count` tokens."""
    return range(0, max(1, count - room + stride), stride)


def covered(offsets: Sequence[tuple[int, int]], length: int, room: int, stride: int) -> list[tuple[int, int, int, int]]:
    """For each window its first token, its end among the tokens, and its first and end character. Together the windows
    cover all `length` characters: those between tokens go to the windows on both sides."""
    found = []
    for first in starts(len(offsets), room, stride):
        end = min(first + room, len(offsets))
        found.append(
            (
                first,
                end,
                offsets[first - 1][1] if first else 0,
                offsets[end][0] if end < len(offsets) else length,
            )
        )
    return found


class Cutter:
    """Encodes with the tokenizer of a model. Safe to share between threads."""

    def __init__(self, manifest: Manifest, files: dict[str, bytes]) -> None:
        try:
            from tokenizers import Tokenizer
        except ImportError as error:
            raise NotRun("tokenizers is not installed: pip install 'sluicegate[guards]'", "missing") from error
        try:
            tokenizer = Tokenizer.from_str(files[TOKENIZER].decode())
        except Exception as error:
            raise NotRun(f"{TOKENIZER} of the model {manifest.name} cannot be read: {error}", "missing") from error
        tokenizer.no_padding()
        tokenizer.no_truncation()
        marks = tokenizer.encode("").ids
        if len(marks) != 2:
            raise NotRun(
                f"{TOKENIZER} of the model {manifest.name} sets other marks than one before and one behind", "missing"
            )
        self._tokenizer: Any = tokenizer
        self._manifest = manifest
        self._before, self._behind = marks

    def cut(self, row: tuple[str, ...]) -> list[Piece]:
        """Raises `NotRun` where the row is not of the texts that the model reads, or the first of two leaves no room
        for the second."""
        manifest = self._manifest
        if len(row) != 1 + manifest.pair:
            raise NotRun(f"the model {manifest.name} reads {1 + manifest.pair} texts at once, {len(row)} were given")
        head = (self._before,)
        if manifest.pair:
            head += (*self._encoded(row[0]).ids, self._behind)
        room = manifest.window - len(head) - 1
        if room < min(LEAST_ROOM, manifest.window // 2):
            raise NotRun(f"a text that the model {manifest.name} reads whole is too long for it", "unreadable")
        text = row[-1]
        encoding = self._encoded(text)
        ids = encoding.ids
        return [
            Piece((*head, *ids[first:end], self._behind), len(head) if manifest.pair else manifest.window, start, stop)
            for first, end, start, stop in covered(encoding.offsets, len(text), room, self._stride(room))
        ]

    def _stride(self, room: int) -> int:
        """So that windows overlap as in the manifest; by half at most where a first text leaves little room."""
        overlap = self._manifest.window - 2 - self._manifest.stride
        return max(room - overlap, room - room // 2)

    def _encoded(self, text: str) -> Any:
        # A lone surrogate is no text that the tokenizer takes.
        readable = text if text.isascii() else text.encode("utf-8", "replace").decode()
        if len(readable) < LONG:
            return self._tokenizer.encode(readable, add_special_tokens=False)
        # As a batch of one, since `encode` has all other threads wait meanwhile: for a second, where a text has a
        # megabyte.
        (encoding,) = self._tokenizer.encode_batch([readable], add_special_tokens=False)
        return encoding
