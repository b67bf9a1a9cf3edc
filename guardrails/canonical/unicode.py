"""What Unicode lets people hide: look-alikes, letters of other styles, characters that are not seen, and directions.

Cited: Unicode Technical Standard 39 (look-alikes) and Annex 9 (directions), "Trojan Source" (Boucher and Anderson,
2021), and "Smuggling arbitrary data through an emoji" (Butler, 2025) for variation selectors.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

from guardrails.canonical.bytes import readable
from guardrails.canonical.confusables import LATIN
from guardrails.canonical.view import View, rewritten, undone
from guardrails.linear import Match, Pattern, words

INVISIBLE = r"\x{AD}\x{34F}\x{61C}\x{115F}\x{1160}\x{17B4}\x{17B5}\x{180B}-\x{180F}\x{200B}-\x{200F}\x{202A}-\x{202E}"
INVISIBLE += r"\x{2060}-\x{206F}\x{3164}\x{FE00}-\x{FE0F}\x{FEFF}\x{FFA0}\x{FFF9}-\x{FFFB}\x{E0000}-\x{E0FFF}"
UNSEEN = Pattern(f"[{INVISIBLE}]+")
PARTED = Pattern(rf"[A-Za-z0-9][{INVISIBLE}]+[A-Za-z0-9]")
UNSEEN_SIGNS = dict.fromkeys(code for code in (*range(0x3000), *range(0xFE00, 0xFFFF)) if UNSEEN.match(chr(code)))
VERY_MANY = 1000
"""Characters that are not seen; where there are more, and nothing needs one, all are taken out at once."""
JOINING = "\u0590"
"""Scripts from here on may need characters without a width between their letters, and emojis do."""
STYLED = Pattern(
    r"[\x{FF01}-\x{FF5E}\x{1D400}-\x{1D7FF}\x{1F100}-\x{1F189}\x{2460}-\x{24FF}\x{2100}-\x{214F}\x{1D2C}-\x{1D6A}"
    r"\x{2070}-\x{209C}\x{B2}\x{B3}\x{B9}\x{2B0}-\x{2B8}\x{2E0}-\x{2E4}\x{3000}]{3,}"
)
"""Letters in another style: full width, mathematical, in circles, raised."""
STACKED = Pattern(r"[A-Za-z\x{C0}-\x{52F}](?:\pM[A-Za-z\x{C0}-\x{52F}]?){4,}")
"""Marks over and over letters, as no spelling has them."""
TAGS = Pattern(r"[\x{E0020}-\x{E007F}]{3,}")
FLAG = "\U0001f3f4"
"""The flags of England, Scotland and Wales are spelled in tags, which is what tags are for."""
SELECTORS = Pattern(r"[\x{FE00}-\x{FE0F}\x{E0100}-\x{E01EF}]{4,}")
BITS = Pattern(r"[\x{200B}-\x{200F}\x{2060}-\x{2064}\x{FEFF}]{24,}")
TURNED = Pattern(r"[\x{202E}\x{2067}\x{202B}\x{200F}]([^\x{202A}-\x{202E}\x{2066}-\x{2069}\n]+)")
LOOKING_LATIN = frozenset(map(chr, LATIN))
BY_CODE = {code: None for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))}


def invisible(text: str) -> list[View]:
    """What is read when characters that are not seen are taken out of words."""
    if text.isascii():
        return []
    plain = text.translate(UNSEEN_SIGNS)
    if len(text) - len(plain) > VERY_MANY and max(plain, default="") < JOINING:
        return [View(plain, ("invisible",), 0, len(text))] if PARTED.search(text) else []
    pieces, joins = [], False
    for found in UNSEEN.finditer(text):
        before, after = text[max(found.start() - 1, 0) : found.start()], text[found.end() : found.end() + 1]
        if before < JOINING:
            pieces.append((*found.span(), ""))
            joins = joins or (before.isalnum() and after.isalnum() and after < JOINING)
    return rewritten("invisible", text, pieces) if joins else []


def styled(text: str) -> list[View]:
    """Letters of other styles as plain ones (NFKC)."""
    return _replaced("style", text, STYLED, lambda found: unicodedata.normalize("NFKC", found.group()))


def confusable(text: str) -> list[View]:
    """Look-alikes as the Latin letters they stand for: in words that have both, and where nothing in the text says
    that it is of the other alphabet, in all."""
    if text.isascii() or LOOKING_LATIN.isdisjoint(text):
        return []
    strange = [found for found in words(text) if not found.group().isascii()]
    folded = [(found, found.group().translate(LATIN)) for found in strange]
    foreign = any(not plain.isascii() and not _latin(plain) for _, plain in folded)
    pieces = [
        (*found.span(), plain)
        for found, plain in folded
        if plain != found.group() and _latin(plain) and len(plain) > 2 and (_mixed(found.group()) or not foreign)
    ]
    return rewritten("look-alikes", text, pieces)


def _latin(word: str) -> bool:
    """Whether it is of Latin letters, accents and all."""
    return all(c.isascii() or "\u00c0" <= c <= "\u024f" or "\u1e00" <= c <= "\u1eff" for c in word)


def _mixed(word: str) -> bool:
    return any(c.isascii() and c.isalpha() for c in word)


def stacked(text: str) -> list[View]:
    """Letters without the marks that are piled on them."""
    return _replaced("marks", text, STACKED, lambda found: _bare(found.group()))


def _bare(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))


def tags(text: str) -> list[View]:
    """What is written in tag characters, each of which is an ASCII character that is not shown."""
    if text.isascii():
        return []
    pieces = []
    for found in TAGS.finditer(text):
        if text[found.start() - 1 : found.start()] != FLAG or len(found.group()) > 8:
            pieces.append((*found.span(), "".join(chr(ord(c) - 0xE0000) for c in found.group() if c != "\U000e007f")))
    return undone("tags", pieces)


def selectors(text: str) -> list[View]:
    """Bytes behind an emoji: each of 256 variation selectors is one."""
    if text.isascii():
        return []
    pieces = []
    for found in SELECTORS.finditer(text):
        codes = [ord(c) for c in found.group()]
        said = readable(bytes(code - 0xFE00 if code < 0xFF00 else code - 0xE0100 + 16 for code in codes))
        pieces += [(*found.span(), said)] if said is not None else []
    return undone("variation selectors", pieces)


def bits(text: str) -> list[View]:
    """Bits in two characters that are not seen."""
    if text.isascii():
        return []
    pieces = []
    for found in BITS.finditer(text):
        kinds = sorted(set(found.group()))
        if len(kinds) != 2:
            continue
        for zero in kinds:
            digits = "".join("0" if c == zero else "1" for c in found.group())
            size = len(digits) // 8
            said = readable(int(digits[: 8 * size], 2).to_bytes(size, "big"))
            pieces += [(*found.span(), said)] if said is not None else []
    return undone("invisible bits", pieces)


def turned(text: str) -> list[View]:
    """What is shown where control characters turn the direction of Latin text."""
    if text.isascii():
        return []
    pieces = []
    for found in TURNED.finditer(text):
        said = found.group(1) or ""
        if any("a" <= c <= "z" for c in said.lower()):
            pieces.append((*found.span(), said[::-1]))
    shown = rewritten("direction", text, pieces)
    return [View(one.text.translate(BY_CODE), one.how, one.start, one.end) for one in shown]


def _replaced(how: str, text: str, pattern: Pattern, plain: Callable[[Match], str]) -> list[View]:
    if text.isascii():
        return []
    pieces = [(*found.span(), plain(found)) for found in pattern.finditer(text)]
    return rewritten(how, text, [one for one in pieces if any(c.isalpha() for c in one[2])])
