"""Ways to write a text so that it is not seen, for attacks, for training and for measuring.

The readable ones leave something that a model can learn to read. The sealed ones do not: what they hide is found by
undoing them, so a model has to learn only that such a text is no attack by itself.
"""

from __future__ import annotations

import base64
import codecs
import random
from collections.abc import Callable

Disguise = Callable[[str, random.Random], str]

LEET = str.maketrans("aeiostAEIOST", "431057431057")
LOOKALIKES = str.maketrans(
    "aceiopxyABEHKMOPTX",
    "\u0430\u0441\u0435\u0456\u043e\u0440\u0445\u0443\u0410\u0412\u0415\u041d\u041a\u041c\u041e\u0420\u0422\u0425",
)
ZERO_WIDTH = "\u200b\u200c\u200d\u2060"


def base64_of(text: str, _: random.Random) -> str:
    return base64.b64encode(text.encode()).decode()


def hex_of(text: str, _: random.Random) -> str:
    return text.encode().hex()


def rot13(text: str, _: random.Random) -> str:
    return codecs.encode(text, "rot13")


def reversed_text(text: str, _: random.Random) -> str:
    return text[::-1]


def leet(text: str, _: random.Random) -> str:
    return text.translate(LEET)


def zero_width(text: str, chance: random.Random) -> str:
    return "".join(character + chance.choice(ZERO_WIDTH) for character in text)


def homoglyphs(text: str, chance: random.Random) -> str:
    return "".join(c.translate(LOOKALIKES) if chance.random() < 0.5 else c for c in text)


def full_width(text: str, _: random.Random) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


def spaced(text: str, chance: random.Random) -> str:
    return chance.choice((" ", "-", ".")).join(text)


def shuffled(text: str, chance: random.Random) -> str:
    """Each word keeps its first and last letter."""

    def mixed(word: str) -> str:
        inner = list(word[1:-1])
        chance.shuffle(inner)
        return word[:1] + "".join(inner) + word[-1:] if len(word) > 3 else word

    return " ".join(mixed(word) for word in text.split(" "))


def mixed_case(text: str, chance: random.Random) -> str:
    return "".join(c.upper() if chance.random() < 0.5 else c.lower() for c in text)


READABLE: dict[str, Disguise] = {
    "leet": leet,
    "zero_width": zero_width,
    "homoglyphs": homoglyphs,
    "full_width": full_width,
    "spaced": spaced,
    "shuffled": shuffled,
    "mixed_case": mixed_case,
}
SEALED: dict[str, Disguise] = {
    "base64": base64_of,
    "hex": hex_of,
    "rot13": rot13,
    "reversed": reversed_text,
}
