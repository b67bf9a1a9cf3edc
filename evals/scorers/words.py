"""Words, as overlaps of texts are counted by: in small letters, without marks around them, in any script.

Chinese and Japanese, which write no spaces, and Thai, Lao, Khmer and Burmese are taken character by character.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

SPACELESS = (
    r"\u0e01-\u0e30\u0e32-\u0e33\u0e40-\u0e46\u0e81-\u0eb0\u1000-\u102a\u1780-\u17b3"
    r"\u3041-\u3096\u30a1-\u30fc\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
)
MARKS = (
    r"\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u05bf\u05c1-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed"
    r"\u0900-\u0963\u0971-\u0df3\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1-\u0ebd\u0ec8-\u0ecd\u102b-\u103e\u17b4-\u17d3"
)
"""Vowels and accents that are written on letters, which `\\w` does not know; of India's scripts all there is."""
LETTER = rf"[^\W_{SPACELESS}]"
WORD = re.compile(
    rf"[{SPACELESS}][{MARKS}]*|{LETTER}(?:{LETTER}|[{MARKS}])*(?:['\u2019]{LETTER}(?:{LETTER}|[{MARKS}])*)*"
)


def words(text: str) -> list[str]:
    return [found.replace("\u2019", "'") for found in WORD.findall(unicodedata.normalize("NFKC", text).casefold())]


def f1(answer: list[str], reference: list[str]) -> float:
    """The harmonic mean of the precision and the recall of words, each counted as often as it comes."""
    if not answer or not reference:
        return float(answer == reference)
    shared = sum((Counter(answer) & Counter(reference)).values())
    return 2 * shared / (len(answer) + len(reference))
