"""Personal data that is told by how it is written: patterns with checks, and numbers that words before them explain.

What is found at a place is decided by `REACH` characters around it, and does not depend on what was found before: a
pattern is tried wherever it could begin, and of what lies inside another the outer is kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from guardrails.pii import checks
from guardrails.verdict import Span

CUE = 48
"""Characters before a number in which the word that explains it stands."""
LONGEST = 256
"""Characters of what has no space in it."""
LONGEST_NUMBER = 64
"""Characters of groups of digits with spaces between."""
REACH = CUE + 2 * LONGEST


class Area(NamedTuple):
    """A part of a text in which something may be found. `digits` are the most that stand together in it."""

    start: int
    end: int
    digits: int


@dataclass(frozen=True)
class Recogniser:
    """`pattern` finds no more than `LONGEST` characters, or `LONGEST_NUMBER` where spaces are among them, one at a
    time. Where it has a `cue`, that has to stand before. The find is the pattern's only group, or the `part` of it that
    belongs to the number. It has this many `digits`, no more than `GAP` characters apart, and this `sign`: where these
    are not there it is not tried, which is most of its cost."""

    label: str
    pattern: re.Pattern[str]
    check: Callable[[str], bool] | None = None
    cue: re.Pattern[str] | None = None
    score: float = 0.99
    part: Callable[[str], str] | None = None
    digits: int = 0
    sign: str = ""

    def find(self, text: str, area: Area) -> Iterable[Span]:
        if area.digits < self.digits or text.find(self.sign, area.start, area.end) < 0:
            return
        for found in self.pattern.finditer(text, area.start, area.end):
            start, value = found.start(1), found.group(1)
            if self.part is not None:
                value = self.part(value)
            if self.check is not None and not self.check(value):
                continue
            if self.cue is not None and not self.cue.search(text, max(0, start - CUE), start):
                continue
            yield Span(start, start + len(value), self.label, self.score)


def _anywhere(pattern: str) -> re.Pattern[str]:
    """Tried at every place, so that one find hides no other."""
    before, inside = pattern.split("~")
    return re.compile(f"{before}(?=({inside}))")


def _cue(words: str) -> re.Pattern[str]:
    return re.compile(rf"(?i)\b(?:{words})")


SURE: tuple[Recogniser, ...] = (
    Recogniser(
        "EMAIL", re.compile(r"(?<![\w.+%'-])([\w.+%'-]{1,64}@(?:[\w-]{1,40}\.){1,4}[^\W\d_]{2,24})(?!\w)"), sign="@"
    ),
    Recogniser(
        "URL", re.compile(r"(?i)(?<!\w)((?:https?://|www\.)[^\s<>\"'()\[\]{}|]{3,200}[^\s<>\"'()\[\]{}|.,;:!?])")
    ),
    Recogniser(
        "IP_ADDRESS", re.compile(r"(?<![\w.])((?:\d{1,3}\.){3}\d{1,3})(?!\w|\.\d)"), checks.address_v4, digits=4
    ),
    Recogniser("IP_ADDRESS", re.compile(r"(?<![\w:.])([0-9A-Fa-f:]{3,39})(?![\w:])"), checks.address_v6, sign=":"),
    Recogniser("CREDIT_CARD", _anywhere(r"(?<![\w.])~(?:\d[ -]?){11,18}\d(?![\w-])"), checks.card, digits=12),
    Recogniser("IBAN", _anywhere(r"(?<!\w)~[A-Za-z]{2}\d\d[A-Za-z0-9]{11,30}(?!\w)"), checks.iban, digits=2),
    Recogniser(
        "IBAN",
        _anywhere(r"(?<!\w)~[A-Z]{2}\d\d(?: [A-Z0-9]{4}){2,7}(?: [A-Z0-9]{1,3})?(?!\w)"),
        checks.iban,
        part=checks.iban_part,
        digits=2,
    ),
    Recogniser("US_SSN", re.compile(r"(?<![\w-])(\d{3}-\d\d-\d{4})(?![\w-])"), checks.ssn, digits=9),
    Recogniser("NATIONAL_ID", re.compile(r"(?<!\w)([XYZ\d]-?\d{7}-?[A-HJ-NP-TV-Z])(?!\w)"), checks.dni, digits=7),
    Recogniser("NATIONAL_ID", re.compile(r"(?<![\w.])(\d{3}\.\d{3}\.\d{3}-\d\d)(?!\w)"), checks.cpf, digits=11),
    Recogniser(
        "NATIONAL_ID", re.compile(r"(?<![\w-])((?:19|20)?\d{6}[-+]\d{4})(?![\w-])"), checks.personnummer, digits=10
    ),
    Recogniser("NATIONAL_ID", re.compile(r"(?<!\w)([A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]\d{6}[A-D])(?!\w)"), digits=6),
    Recogniser(
        "NATIONAL_ID",
        _anywhere(r"(?<!\w)~[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] \d\d \d\d \d\d [A-D](?!\w)"),
        digits=6,
    ),
    Recogniser(
        "NATIONAL_ID",
        re.compile(r"(?i)(?<!\w)([A-Z]{6}\d\d[ABCDEHLMPRST]\d\d[A-Z]\d{3}[A-Z])(?!\w)"),
        checks.codice_fiscale,
        digits=7,
    ),
    Recogniser(
        "NATIONAL_ID",
        _anywhere(r"(?<!\w)~[12] ?\d\d ?(?:0[1-9]|1[0-2]) ?(?:\d\d|2[AB]) ?\d{3} ?\d{3} ?\d\d(?!\w)"),
        checks.nir,
        digits=14,
    ),
    Recogniser("NATIONAL_ID", _anywhere(r"(?<![\w.])~[2-9]\d{3} \d{4} \d{4}(?! ?\d)"), checks.aadhaar, digits=12),
)
"""They carry a check of their own, or cannot be anything else."""

DAY = re.compile(r"(?<![\w./-])(\d{1,2}[./-]\d{1,2}[./-](?:19|20)?\d\d)(?![\w/-]|\.\d)")
LIKELY: tuple[Recogniser, ...] = (
    Recogniser(
        "PHONE",
        _anywhere(r"(?<![\w+])~\+\d[\d .()-]{6,24}\d(?:x\d{1,6})?(?![\w-])"),
        checks.dialled,
        score=0.95,
        sign="+",
    ),
    Recogniser(
        "PHONE",
        _anywhere(r"(?<![\w.+-])~(?:1[ .-])?(?:\(\d{3}\) ?|\d{3}[.-])\d{3}[ .-]\d{4}(?:x\d{1,6})?(?![\w-]|\.\d)"),
        score=0.95,
        digits=10,
    ),
    Recogniser(
        "US_SSN",
        _anywhere(r"(?<![\w-])~\d{3}[ -]?\d\d[ -]?\d{4}(?![\w-])"),
        checks.ssn,
        _cue("ssn|social security"),
        digits=9,
    ),
    Recogniser(
        "CREDIT_CARD",
        _anywhere(r"(?<![\w.])~(?:\d[ -]?){11,18}\d(?![\w-])"),
        checks.luhn,
        _cue("card|kreditkarte|carte|tarjeta"),
        digits=12,
    ),
    Recogniser(
        "PASSPORT",
        re.compile(r"(?<!\w)([A-Z]{0,2}\d{6,9}[A-Z]?)(?!\w)"),
        None,
        _cue("passport|reisepass|pasaporte"),
        digits=6,
    ),
    Recogniser(
        "DRIVER_LICENSE",
        re.compile(r"(?i)(?<!\w)([A-Z]{0,3}\d[\dA-Z-]{4,16})(?![\w-])"),
        None,
        _cue(r"driver'?s? ?licen[cs]e|driving licen[cs]e|führerschein|permis de conduire"),
        digits=1,
    ),
    Recogniser("NATIONAL_ID", re.compile(r"(?<!\w)(\d{11})(?!\w)"), checks.pesel, _cue("pesel"), digits=11),
    Recogniser(
        "NATIONAL_ID", re.compile(r"(?<!\w)(\d{9})(?!\w)"), checks.bsn, _cue("bsn|burgerservicenummer"), digits=9
    ),
    Recogniser("NATIONAL_ID", _anywhere(r"(?<!\w)~\d{3} ?\d{3} ?\d{4}(?!\w)"), checks.nhs, _cue("nhs"), digits=10),
    Recogniser("NATIONAL_ID", re.compile(r"(?<!\w)(\d{12})(?!\w)"), checks.aadhaar, _cue("aadhaar|uidai"), digits=12),
    Recogniser(
        "TAX_ID",
        re.compile(r"(?<!\w)(\d{2}-\d{7}|\d{9,11})(?!\w)"),
        None,
        _cue("tax id|taxpayer|steuer-?id|itin|ein|codice fiscale|nif"),
        0.9,
        digits=9,
    ),
    Recogniser(
        "BANK_ACCOUNT",
        re.compile(r"(?<![\w-])(\d{6,17})(?![\w-])"),
        None,
        _cue(r"(?:bank )?account (?:number|no)|acct|routing|sort code|kontonummer"),
        0.9,
        digits=6,
    ),
    Recogniser("DATE", DAY, checks.day, score=0.9, digits=4),
    Recogniser(
        "DATE",
        _anywhere(r"(?<![\w./-])~(?:19|20)\d\d-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?)?(?![\w/-])"),
        score=0.9,
        digits=8,
    ),
)
"""What something of the first kind overlaps is none of these."""

HINT = re.compile(r"\d+|@|://|(?i:www)\.")
"""One of these is in everything that is found, no more than `BEFORE` characters from its beginning."""
BEFORE = 72
GAP = 4
"""Characters between two digits of a number."""
REST = re.compile(r"\S*")
PLAIN = re.compile(r"(?<!\S)[a-z]{2,}(?=\s)")
GROUP = re.compile(r"\S*\d\S*|[A-Z]{1,4}")
"""One group of a number that is written in groups."""


def found(text: str, start: int = 0) -> list[Span]:
    """Those that begin at a place or after it, in order, none inside another."""
    where = areas(text, start)
    sure = outermost(span for one in SURE for area in where for span in one.find(text, area))
    likely = outermost(span for one in LIKELY for area in where for span in one.find(text, area))
    return outermost([*sure, *apart(likely, sure)])


def apart_from(text: str, place: int) -> int:
    """A place, not after this one, over which nothing reaches that is found: the end of a word of small letters with
    spaces around it, else as far back as decides about anything."""
    window = max(0, place - REACH)
    for start in range(max(window, place - 2 * LONGEST_NUMBER), window - 1, -LONGEST_NUMBER):
        ends = [found.end() for found in PLAIN.finditer(text, start, place)]
        if ends:
            return ends[-1]
    return window


def areas(text: str, begin: int = 0) -> list[Area]:
    """The parts of a text from a place on in which anything can be found, apart from each other."""
    out: list[Area] = []
    digits = last = 0  # of the group of digits that is going on
    for hint in HINT.finditer(text, begin):
        first, after = hint.span()
        start, end = max(begin, first - BEFORE), max(after + LONGEST_NUMBER, _word_end(text, after))
        if text[first].isdigit():
            digits = digits + after - first if first - last <= GAP else after - first
            last = after
        if out and start <= out[-1].end:
            before = out[-1]
            out[-1] = Area(before.start, max(before.end, end), max(before.digits, digits))
        else:
            out.append(Area(start, end, digits))
    return out


def _word_end(text: str, start: int) -> int:
    found = REST.match(text, start, start + LONGEST)
    return found.end() if found is not None else start


def settled(text: str) -> int:
    """How many characters of an unfinished text none of these can begin in and still be growing: the last word may,
    and groups of a number before it."""
    start = _word(text, len(text), max(0, len(text) - LONGEST))
    first = max(0, len(text) - LONGEST_NUMBER)
    while start > first and text[start - 1] == " ":
        before = _word(text, start - 1, first)
        if not GROUP.fullmatch(text, before, start - 1):
            break
        start = before
    return start


def _word(text: str, end: int, first: int) -> int:
    """Where the word that ends there begins, not before `first`."""
    while end > first and not text[end - 1].isspace():
        end -= 1
    return end


def outermost(spans: Iterable[Span]) -> list[Span]:
    """In order, without those inside another; of two that are the same the surer."""
    out: list[Span] = []
    for span in sorted(spans, key=lambda one: (one.start, -one.end, -one.score)):
        if not out or span.end > out[-1].end:
            out.append(span)
    return out


def apart(spans: Sequence[Span], others: Sequence[Span]) -> list[Span]:
    """Those that overlap none of the others. Both are in order, none inside another."""
    out, at = [], 0
    for span in spans:
        while at < len(others) and others[at].end <= span.start:
            at += 1
        if at == len(others) or others[at].start >= span.end:
            out.append(span)
    return out
