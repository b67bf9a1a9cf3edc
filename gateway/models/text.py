"""From tokens to text, piece by piece: no half characters, and nothing of a stop string."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class StopStrings:
    """Passes text on, and holds back whatever may be the beginning of a stop string."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = [stop for stop in stops if stop]
        self._held = ""
        self.found = False

    def feed(self, text: str) -> str:
        """What can be said now. After `found` that is the text before the stop string, and the last of it."""
        if not self._stops:
            return text
        held = self._held + text
        places = [at for at in (held.find(stop) for stop in self._stops) if at >= 0]
        if places:
            self.found = True
            self._held = ""
            return held[: min(places)]
        keep = max(_overlap(held, stop) for stop in self._stops)
        self._held = held[len(held) - keep :]
        return held[: len(held) - keep]

    def rest(self) -> str:
        """What was held back, for a text that ended."""
        held, self._held = self._held, ""
        return held


class Detokenizer:
    """The text of a growing list of tokens. Bytes of an unfinished character wait for the rest of it."""

    def __init__(self, tokenizer: Any) -> None:
        from tokenizers.decoders import DecodeStream

        self._tokenizer = tokenizer.backend_tokenizer
        self._stream = DecodeStream(skip_special_tokens=True)

    def feed(self, token: int) -> str:
        return self._stream.step(self._tokenizer, token) or ""


def _overlap(text: str, stop: str) -> int:
    """Length of the longest end of `text` that begins `stop`."""
    for length in range(min(len(stop) - 1, len(text)), 0, -1):
        if text.endswith(stop[:length]):
            return length
    return 0
