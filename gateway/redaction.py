"""What must not be kept is taken out of a text before the text is written anywhere. Pure functions of data.

Secrets always go: keys, bearer tokens, private key blocks, what is labelled a password. Personal data goes by kind, as
configured. Card numbers are known by their check digit (Luhn), bank accounts by theirs (ISO 7064, mod 97): digits that
only look like one stay. Where in doubt it redacts: a number too much is lost, not a number too few.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

Spans = Iterator[tuple[int, int]]
"""Begin and end of what is to go."""
Finder = Callable[[str], Spans]

SECRET = "secret"  # noqa: S105 - the name of a kind
LABEL = r"(?:pass(?:word|wd|phrase)|secret|(?:api|access|private|secret)[_-]?key|(?:auth|access|refresh)[_-]?token)"
_LABELLED = re.compile(LABEL, re.IGNORECASE)
_EMAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}")
_PHONE = re.compile(
    r"(?<![\w+])(?:"
    r"(?:\+|00)[1-9](?:[ ./()-]{0,2}\d){6,13}"  # international
    r"|\(?[2-9]\d\d\)?[ .-]\d{3}[ .-]\d{4}"  # North America
    r"|\(?0[1-9]\d{1,4}\)?[ /-]{1,3}\d{2,5}(?:[ -]?\d{2,5}){1,3}"  # national, with a trunk prefix
    r")(?!\w)"
)
_DIGITS = re.compile(r"(?<!\d)\d{3,19}(?:[ \u00a0-]\d{3,19}){0,24}(?!\d)")
_IBAN = re.compile(r"\b[A-Za-z]{2}\d{2}(?: ?[A-Za-z0-9]{4}){2,7}(?: ?[A-Za-z0-9]{1,3})?\b")
_IPV4 = re.compile(
    r"(?<![\w.])(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)\.){3}(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?!\w|\.\d)"
)
_IPV6 = re.compile(r"(?<![\w:])[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?![\w:])")
CARD_DIGITS = range(13, 20)
LEAST_NUMBER = 10**11
"""Smaller numbers of a JSON text are no card and no telephone."""


@dataclass(frozen=True, slots=True)
class Redacted:
    """What is left, and how often each kind was taken out."""

    value: Any
    counts: Mapping[str, int]


class Redactor:
    """Takes out secrets, these kinds, and what matches these regular expressions (of one with a group named `value`,
    that), by the name it is replaced with."""

    def __init__(self, kinds: Iterable[str] = (), patterns: Mapping[str, str] | None = None) -> None:
        self._finders: list[tuple[str, Finder]] = [(SECRET, form) for form in SECRETS]
        self._finders += [(name, _matches(re.compile(pattern))) for name, pattern in (patterns or {}).items()]
        self._finders += [(kind, KINDS[kind]) for kind in sorted(kinds, key=list(KINDS).index)]

    def redact(self, value: Any) -> Redacted:
        """A JSON value, its keys and large numbers too; a text stays a text."""
        counts: Counter[str] = Counter()
        return Redacted(self._value(value, counts), dict(counts))

    def _value(self, value: Any, counts: Counter[str]) -> Any:
        if isinstance(value, str):
            return self._text(value, counts)
        if isinstance(value, list):
            return [self._value(item, counts) for item in value]
        if isinstance(value, dict):
            return {self._text(key, counts): self._field(key, held, counts) for key, held in value.items()}
        if isinstance(value, int) and abs(value) >= LEAST_NUMBER:
            text = self._text(str(value), counts)
            return value if text == str(value) else text
        return value

    def _field(self, key: str, held: Any, counts: Counter[str]) -> Any:
        if isinstance(held, str) and held and _LABELLED.fullmatch(key):
            counts[SECRET] += 1
            return f"[{SECRET}]"
        return self._value(held, counts)

    def _text(self, text: str, counts: Counter[str]) -> str:
        for name, find in self._finders:
            pieces, at = [], 0
            for start, end in find(text):
                pieces += [text[at:start], f"[{name}]"]
                at = end
                counts[name] += 1
            if pieces:
                text = "".join([*pieces, text[at:]])
        return text


def _matches(pattern: re.Pattern[str], *needles: str) -> Finder:
    """Finds what the pattern's group `value` matches, or all of it where it has none. Where the text has none of the
    needles it is not searched, which is much faster; they are in small letters where the pattern ignores case."""
    folds = pattern.flags & re.IGNORECASE
    group = pattern.groupindex.get("value", 0)

    def find(text: str) -> Spans:
        searched = text.lower() if folds and needles else text
        if not needles or any(needle in searched for needle in needles):
            for found in pattern.finditer(text):
                span = found.span(group)
                if span[0] < span[1]:
                    yield span

    return find


def _emails(text: str) -> Spans:
    if "@" in text:
        yield from (found.span() for found in _EMAIL.finditer(text))


def _cards(text: str) -> Spans:
    """Of the groups of digits in a row, those that make up a number with a right check digit; the longest first."""
    for run in _DIGITS.finditer(text):
        if len(run[0]) < CARD_DIGITS.start:
            continue
        groups = [found.span() for found in re.finditer(r"\d+", run[0])]
        first = 0
        while first < len(groups):
            last = _card_end(run[0], groups, first)
            if last is not None:
                yield run.start() + groups[first][0], run.start() + groups[last][1]
                first = last
            first += 1


def _card_end(run: str, groups: list[tuple[int, int]], first: int) -> int | None:
    for last in range(min(len(groups), first + CARD_DIGITS.stop) - 1, first - 1, -1):
        digits = [int(char) for start, end in groups[first : last + 1] for char in run[start:end]]
        if len(digits) in CARD_DIGITS and luhn(digits):
            return last
    return None


def luhn(digits: list[int]) -> bool:
    """Whether the last digit is the check digit of the others (ISO/IEC 7812-1)."""
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return (sum(digits[::-2]) + sum(doubled)) % 10 == 0 and any(digits)


def _ibans(text: str) -> Spans:
    """What follows a number in capitals can look like its end: the longest right one counts."""
    for found in _IBAN.finditer(text):
        candidate = found[0]
        for end in range(len(candidate), 14, -1):
            if (end == len(candidate) or candidate[end] == " ") and mod_97(candidate[:end].replace(" ", "")):
                yield found.start(), found.start() + end
                break


def mod_97(iban: str) -> bool:
    """Whether its two check digits are right (ISO 13616)."""
    moved = iban[4:] + iban[:4]
    return int("".join(str(int(char, 36)) for char in moved)) % 97 == 1


def _addresses(text: str) -> Spans:
    spans = [found.span() for found in _IPV4.finditer(text)]
    if ":" in text:
        spans += [found.span() for found in _IPV6.finditer(text) if _is_address(found[0])]
    end = 0
    for span in sorted(spans):
        if span[0] >= end:
            yield span
            end = span[1]


def _is_address(text: str) -> bool:
    try:
        return bool(int(ip_address(text)))
    except ValueError:
        return False


SECRETS: tuple[Finder, ...] = (
    _matches(
        re.compile(r"-----BEGIN[A-Z0-9 ]{0,40}PRIVATE KEY-----.*?(?:-----END[A-Z0-9 ]{0,40}PRIVATE KEY-----|\Z)", re.S),
        "PRIVATE KEY-----",
    ),
    _matches(re.compile(r"\b(?:sk|rk|pk)[-_][A-Za-z0-9_-]{16,}"), "k-", "k_"),
    _matches(re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"), "AKIA", "ASIA"),
    _matches(re.compile(r"\b(?:gh[opsur]_[A-Za-z0-9]{30,}|github_pat_\w{22,})"), "gh", "github_pat_"),
    _matches(re.compile(r"\bxox[abeprs]-[A-Za-z0-9-]{10,}"), "xox"),
    _matches(re.compile(r"\bAIza[A-Za-z0-9_-]{35}"), "AIza"),
    _matches(re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"), "eyJ"),
    _matches(re.compile(r"\bbearer\s{1,4}(?P<value>[A-Za-z0-9._~+/=-]{16,})", re.I), "bearer"),
    _matches(
        re.compile(
            rf"{LABEL}\w{{0,16}}[\"']?\s{{0,4}}[:=]\s{{0,4}}[\"']?(?P<value>(?!\[secret\])[^\s\"',;]{{6,}})", re.I
        ),
        "pass",
        "secret",
        "key",
        "token",
    ),
)
"""Private keys; keys as OpenAI, Stripe, AWS, GitHub, Slack and Google make them; JWTs; bearers; what is labelled."""
KINDS: dict[str, Finder] = {
    "email": _emails,
    "iban": _ibans,
    "card": _cards,
    "phone": _matches(_PHONE),
    "ip": _addresses,
}
"""In the order in which they are looked for: a card number is no telephone number."""
