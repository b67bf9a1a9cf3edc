"""Where a sentence that follows its source word by word leaves it: a changed name, an added *not*."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise

NEAR = 0.7
"""The share of a sentence's words that stand in the same order in its source, from which on it is said to follow it."""
SPREAD = 1.7
"""How many times as long as the sentence the part of the source is, at most, that the words stand in."""
FEWEST, MOST = 5, 160
"""Words of a sentence, and of its source, that are aligned: the time is up to the square of them."""
NEGATIONS = frozenset("not no never none neither nor without cannot n't nicht kein keine ne pas non нет не".split())
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Alignment:
    """`followed` is the share of the sentence's words that its source has in the same order; `changed` the characters
    of the sentence that stand in place of others or between them; `dropped` whether a negation was left out."""

    followed: float
    changed: tuple[tuple[int, int], ...] = ()
    dropped: bool = False

    @property
    def near(self) -> bool:
        return self.followed >= NEAR

    @property
    def exact(self) -> bool:
        return self.followed == 1.0 and not self.dropped


APART = Alignment(0.0)


def align(sentence: str, source: str) -> Alignment:
    said = [(match.group().lower(), match.span()) for match in _WORD.finditer(sentence)][:MOST]
    held = [match.group().lower() for match in _WORD.finditer(source)][:MOST]
    if len(said) < FEWEST or len(held) < FEWEST:
        return APART
    words = [word for word, _ in said]
    blocks = SequenceMatcher(None, words, held, autojunk=False).get_matching_blocks()[:-1]
    blocks = _together(blocks, len(words))
    if not blocks:
        return APART
    followed = sum(block.size for block in blocks) / len(words)
    changed, dropped = [], False
    inside = {block.a + at for block in blocks for at in range(block.size)}
    run: list[tuple[int, int]] = []
    for at, (_, span) in enumerate([*said, ("", (0, 0))]):
        if at < len(said) and at not in inside:
            run.append(span)
        elif run:
            changed.append((run[0][0], run[-1][1]))
            run = []
    for one, other in pairwise(blocks):
        skipped = held[one.b + one.size : other.b]
        dropped |= len(skipped) <= 4 and one.a + one.size == other.a and any(word in NEGATIONS for word in skipped)
    return Alignment(followed, tuple(changed), dropped)


def _together(blocks: list, words: int) -> list:  # type: ignore[type-arg]
    """The matching blocks that stand close in the source, around the longest of them."""
    if not blocks:
        return []
    longest = max(blocks, key=lambda block: block.size)
    room = int(SPREAD * words) + 4
    return [block for block in blocks if abs(block.b - longest.b) <= room and block.size]
