"""Words, as overlaps of texts are counted by: in small letters, without marks around them, in any script.

Chinese and Japanese, which write no spaces, and Thai, Lao, Khmer and Burmese are taken character by character.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

SPACELESS = (
    r"\u0e01-\u0e30\u0e32-\u0e33\u0e40-\u0e46\u0e81-\u0eb0\u1000-\u102a\u1780-\u17b3"
    r"\u3041-\u3096\u30a1-\u30fa\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f"
)
WORD = re.compile(rf"[{SPACELESS}]|[^\W_{SPACELESS}]+(?:['\u2019][^\W_{SPACELESS}]+)*")


def words(text: str) -> list[str]:
    return [found.replace("\u2019", "'") for found in WORD.findall(unicodedata.normalize("NFKC", text).casefold())]


def f1(answer: list[str], reference: list[str]) -> float:
    """The harmonic mean of the precision and the recall of words, each counted as often as it comes."""
    if not answer or not reference:
        return float(answer == reference)
    shared = sum((Counter(answer) & Counter(reference)).values())
    return 2 * shared / (len(answer) + len(reference))
