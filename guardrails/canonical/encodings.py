"""Encodings that are undone wherever they stand: of bytes in letters and digits, and of characters by number.

What was encoded has to be a text: keys, digests and pictures decode to none, and give no reading.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from urllib.parse import unquote_to_bytes

from guardrails.canonical.bytes import readable
from guardrails.canonical.view import View, rewritten, undone
from guardrails.linear import Match, Pattern

BASE64 = Pattern(r"[A-Za-z0-9+/_-]{16,}(?:\r?\n[ \t]*[A-Za-z0-9+/_-]{16,})*(?:\r?\n[ \t]*[A-Za-z0-9+/_-]{1,15})?={0,2}")
BASE32 = Pattern(r"[A-Z2-7]{16,}={0,6}")
HEX = Pattern(r"(?:(?:\\x)?[0-9A-Fa-f]{2}[\s:,;-]{0,2}){6,}")
SET_APART = dict.fromkeys(map(ord, "\\x \t\n\r\v\f:,;-"))
BINARY = Pattern(r"(?:[01]{8}[\s,]{0,2}){5,}")
NUMBERS = Pattern(r"(?:[1-9][0-9]{1,2}[\s,;]{1,2}){5,}[1-9][0-9]{1,2}")
PERCENT = Pattern(r"[A-Za-z0-9+._~-]*(?:%[0-9A-Fa-f]{2}[A-Za-z0-9+._~-]*){3,}")
ESCAPES = Pattern(r"(?:\\u\{?[0-9A-Fa-f]{4}\}?)+")
DIGITS = Pattern(r"[0-9A-Fa-f]{4}")
SHORTEST = 14
"""Letters of base64; what is shorter decodes to something by chance."""
URL_SAFE = str.maketrans("-_", "+/")


def base64s(text: str) -> list[View]:
    """The standard and the URL-safe alphabet, over several lines too, with or without its padding."""
    return _decoded("base64", text, BASE64, _of_base64)


def _of_base64(found: str) -> str | None:
    """As a whole, or without the last line; else line by line: what stands around it is no part of it."""
    lines = found.split()
    if len(lines) == 1:
        return _base64(found)
    said = _base64("".join(lines)) or _base64("".join(lines[:-1]))
    return said or "\n".join(filter(None, map(_base64, lines))) or None


def _base64(found: str) -> str | None:
    """Up to three letters before it may belong to something else."""
    plain = found.rstrip("=").translate(URL_SAFE)
    for skipped in range(4):
        packed = plain[skipped:]
        whole = packed[:-1] if len(packed) % 4 == 1 else packed
        said = readable(base64.b64decode(whole + "=" * (-len(whole) % 4))) if len(whole) >= SHORTEST else None
        if said is not None:
            return said
    return None


def base32s(text: str) -> list[View]:
    return _decoded("base32", text, BASE32, _of_base32)


def _of_base32(found: str) -> str | None:
    packed = found.rstrip("=")
    try:
        return readable(base64.b32decode(packed + "=" * (-len(packed) % 8)))
    except binascii.Error:
        return None


def hexes(text: str) -> list[View]:
    """Two digits a byte, one after the other or set apart, as in `\\x41\\x42` and `41:42`."""
    return _decoded("hex", text, HEX, _of_hex)


def _of_hex(found: str) -> str | None:
    digits = found.translate(SET_APART)
    if len(digits) < 24 and digits.isdecimal():
        return None  # a number
    return readable(bytes.fromhex(digits))


def binaries(text: str) -> list[View]:
    """Eight digits a byte."""
    return _decoded("binary", text, BINARY, lambda found: readable(bytes(_numbers(found, 2))))


def numbers(text: str) -> list[View]:
    """Characters by their decimal numbers in ASCII."""
    return _decoded("numbers", text, NUMBERS, _of_numbers)


def _of_numbers(found: str) -> str | None:
    codes = _numbers(found, 10)
    return readable(bytes(codes)) if max(codes) < 127 else None


def _numbers(found: str, base: int) -> list[int]:
    whole = found.replace(",", " ").replace(";", " ")
    if base == 2:
        digits = "".join(whole.split())
        return [int(digits[at : at + 8], 2) for at in range(0, len(digits), 8)]
    return [int(one, base) for one in whole.split()]


def percents(text: str) -> list[View]:
    """As URLs write what is no letter."""
    return _decoded("percent", text, PERCENT, lambda found: readable(unquote_to_bytes(found.replace("+", " "))))


def escapes(text: str) -> list[View]:
    """As programs write characters: `\\u0041`."""
    pieces = [(*found.span(), _of_escapes(found)) for found in ESCAPES.finditer(text)] if "\\u" in text else []
    long = sum(end - start for start, end, _ in pieces) >= 30
    return rewritten("escapes", text, pieces) if long else []


def _of_escapes(found: Match) -> str:
    codes = (int(part.group(), 16) for part in DIGITS.finditer(found.group()))
    return "".join(map(chr, codes)).encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _decoded(how: str, text: str, pattern: Pattern, decode: Callable[[str], str | None]) -> list[View]:
    pieces = []
    for found in pattern.finditer(text):
        said = decode(found.group())
        if said is not None:
            pieces.append((*found.span(), said))
    return undone(how, pieces)
