"""Bytes that are a text."""

from __future__ import annotations

SHORTEST = 5
"""Characters; less says nothing."""


def readable(data: bytes) -> str | None:
    """The text that the bytes are, in UTF-8 or as Windows writes it, or None where they are none: what is made by
    chance, as the digest of something, hardly ever is. Nine in ten characters are printed, six are letters, digits or
    spaces."""
    wide = len(data) >= 2 * SHORTEST and len(data) % 2 == 0 and not any(data[1::2])
    try:
        text = data.decode("utf-16-le" if wide else "utf-8")
    except UnicodeDecodeError:
        return None
    if len(text) < SHORTEST:
        return None
    spaces = sum(text.count(c) for c in " \n\t\r")
    printed = sum(map(str.isprintable, text)) + spaces - text.count(" ")
    said = sum(map(str.isalnum, text)) + spaces
    return text if printed >= 0.9 * len(text) and said >= 0.6 * len(text) else None
