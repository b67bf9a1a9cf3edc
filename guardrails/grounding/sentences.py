# ruff: noqa: RUF001 - marks and abbreviations of many scripts
"""Where sentences begin and end, in characters of the text they stand in.

Rules alone, for many scripts: a mark ends a sentence where white space follows it, except after an abbreviation, an
initial or a number that counts; marks of scripts that write no spaces end one by themselves.
"""

from __future__ import annotations

from dataclasses import dataclass

from guardrails.linear import Pattern

LONGEST = 600
"""Characters of a sentence; one that goes on is cut at a space: Thai and tables end none."""

_BREAK = Pattern(
    r"([。！？｡．]+[」』”’）】》]*)"
    r"|([.!?…؟۔।॥።։]+[\"'”’»)\]]*)(?:\s+|$)"
    r"|([ \t]*[\r\n][\s]*)"
)
_WIDE, _MARK, _LINE = 1, 2, 3
_MARKS = Pattern(r"^(?:[-*•#>–]+|\d{1,3}[.)]|\|)[ \t]+|^[ \t]+")
"""What begins a line of Markdown, and is no part of what it says."""
_LAST_WORD = Pattern(r"([^\s(\[\"'“‘«]+)$")
_COUNTS = Pattern(r"^\s*\d{1,3}\.$")
ABBREVIATIONS = frozenset(
    "mr mrs ms dr prof sr jr st mt ft gen col lt sgt capt cmdr adm gov sen rep rev hon pres vs etc approx dept est inc"
    " ltd co corp bros vol vols ch chap sec fig figs eq no nos nr pp p ed eds al cf viz ca c e.g i.e a.m p.m u.s u.k"
    " u.n d.c ph.d b.c a.d jan feb mar apr jun jul aug sep sept oct nov dec"
    " bzw z.b d.h u.a usw ca evtl ggf inkl str hr fr abs art bsp"
    " m mme mlle mm av env p.ex c.-à-d sra sres sra.d ud uds ee.uu pág núm aprox dra"
    " г гг т.е т.д т.п др им ул рис стр см".split()
)
"""Words whose full stop ends no sentence, without it, in lower case; a sentence after one of them that ends a sentence
after all is read as its continuation."""
_CONTINUES = frozenset(
    ("etc", "a.m", "p.m", "u.s", "u.k", "u.n", "d.c", "inc", "ltd", "co", "corp", "b.c", "a.d", "jr")
)
"""Of these the ones that also end sentences: what goes on with a capital is a new one."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """`text` is characters `start` to `end` of the text it stands in."""

    start: int
    end: int
    text: str


def sentences(text: str) -> list[Sentence]:
    """In order, none reaching into another. What stands between them is white space and marks of Markdown."""
    found: list[Sentence] = []
    start = 0
    for match in _BREAK.finditer(text):
        end = match.start() if match.start(_LINE) >= 0 else match.end(_WIDE)
        if match.start(_MARK) >= 0:
            end = match.end(_MARK)
            if _goes_on(text, start, match.start(_MARK), end, match.end()):
                continue
        found += _pieces(text, start, end)
        start = match.end()
    return found + _pieces(text, start, len(text))


def _goes_on(text: str, start: int, mark: int, end: int, after: int) -> bool:
    """Whether the mark at `mark` is part of a word or a number, not the end of a sentence."""
    if after >= len(text) or "\n" in text[end:after]:
        return False
    if text[mark:end] != ".":
        return text[mark:end] in ("...", "…") and text[after].islower()
    if _COUNTS.match(text[start:end]):
        return True
    following = text[after]
    if following.islower():
        return True
    word = _LAST_WORD.search(text[max(start, mark - 24) : mark])
    if word is None:
        return False
    last = word.group()
    if len(last) == 1 and last.isupper():
        return True
    folded = last.lower()
    return folded in ABBREVIATIONS and not (folded in _CONTINUES and following.isupper())


def _pieces(text: str, start: int, end: int) -> list[Sentence]:
    """What stands from `start` to `end` without its marks and the space around it, cut where it is too long."""
    while start < end and text[end - 1].isspace():
        end -= 1
    while (marks := _MARKS.match(text[start : min(end, start + 12)])) is not None:
        start += marks.end()
    while start < end and text[start].isspace():
        start += 1
    found = []
    while end - start > LONGEST:
        cut = text.rfind(" ", start + LONGEST // 2, start + LONGEST)
        cut = cut if cut > 0 else start + LONGEST
        found.append(Sentence(start, cut, text[start:cut]))
        start = cut + 1 if text[cut].isspace() else cut
    if start < end:
        found.append(Sentence(start, end, text[start:end]))
    return found
