"""Secrets that only what stands before them tells: `password: …`, `api_key = "…"`, `Authorization: Bearer …`."""

from __future__ import annotations

from collections.abc import Iterator

from guardrails.credentials.checks import LIKELY, LONGEST, UUID, basic, entropy, made_up
from guardrails.linear import Pattern

DELIMITERS = r"\s\"'\x60,(){}\[\]<>|\\"
"""What no credential goes on after, for the inside of a class."""
LABEL = Pattern(
    r"(?:\b|_|[a-z])(pass(?:word|wd|phrase)|passwd|pwd|secret|(?:api|access|account|private|secret|auth|signing|master"
    r"|encryption|shared|service|app|admin)[_ .-]?key|apikey|token|credentials?|authorization|pin)"
    r"(?:[_-]?(?:key|value|prod|production|dev|staging|live|test|[0-9]{1,3}))?"
    r"[\"'\]]{0,2}\s{0,4}(?::=|=>|==|[:=]|\s(?:is|was|lautet|est|es)\s)\s{0,4}[\"'\x60]?"
    r"|\b(bearer|basic)\s{1,3}",
    ignore_case=True,
)
"""What stands before a value, up to its first character. Values are no part of it: what is found in one place must not
hang on what was found before."""
VALUE = Pattern(rf"[^{DELIMITERS};]{{6,}}")
REFERENCE = Pattern(
    r"pk_|ssh-|sha[0-9]|md5|data:|https?:|arn:|projects/|file:|urn:|/[a-z_.-]{2,}(?:/|$)|[.~$%@#-]|[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)+$"
    r"|[A-Za-z]:/|[A-Za-z_]+(?:[_./:-][A-Za-z_]+)*$|[0-9.,:-]+$|(?:null|none|true|false|undefined)$",
    ignore_case=True,
)
"""What begins like this names or says something: a path, an address, a public key, words, a number."""
BEFORE = 80
"""Characters before a value in which its label stands."""
CHOSEN = ("pass", "pwd", "secret", "credential")
"""Labels of what people choose, which may be short."""
HEX = Pattern(r"[0-9a-fA-F]+")


def labelled(text: str) -> Iterator[tuple[int, int, float]]:
    """Start, end and how sure, in order."""
    reached = 0
    for word, start, end in _values(text, 0):
        value = text[start:end].rstrip(".")
        sure = _sure(value, word) if start >= reached else 0.0
        if sure:
            reached = start + len(value)
            yield start, reached, sure


def _values(text: str, since: int) -> Iterator[tuple[str, int, int]]:
    """The label, and where the value starts and ends."""
    for label in LABEL.finditer(text[since:]):
        start = since + label.end()
        value = VALUE.match(text[start : start + LONGEST])
        if value is not None:
            yield (label.group(1) or label.group(2)).lower(), start, start + value.end()


def last_word(text: str, since: int) -> int:
    """Where the last run of what a credential may be made of starts, from `since` on."""
    since = max(since, 0)
    return max(max(text.rfind(sign, since) for sign in " \t\n\r\f\"'`,(){}[]<>|\\") + 1, since)


def growing(text: str, word: int) -> Iterator[int]:
    """Where the value starts that the text ends in; `word` is where its last word does."""
    for _, start, end in _values(text, max(word - BEFORE, 0)):
        if end == len(text):
            yield start


def _sure(value: str, word: str) -> float:
    if word == "basic":
        return basic(value)
    if word == "bearer" and len(value) < 20:
        return 0.0
    if made_up(value) or REFERENCE.match(value) or UUID.fullmatch(value):
        return 0.0
    kinds = sum(any(map(kind, value)) for kind in (str.islower, str.isupper, str.isdigit, _is_sign))
    digits = any(map(str.isdigit, value))
    if word.startswith(CHOSEN):
        return LIKELY if kinds >= 3 or (kinds == 2 and digits and len(value) >= 6) else 0.0
    if len(value) < 16 or not digits:
        return LIKELY if len(value) >= 24 and kinds >= 2 and entropy(value) >= 4 else 0.0
    enough = 2.8 if HEX.fullmatch(value) else 3.2
    return LIKELY if entropy(value) >= enough else 0.0


def _is_sign(character: str) -> bool:
    return not character.isalnum()
