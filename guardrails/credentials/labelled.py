"""Secrets that only what stands before them tells: `password: …`, `api_key = "…"`, `Authorization: Bearer …`."""

from __future__ import annotations

from collections.abc import Iterator

from guardrails.credentials.checks import LIKELY, LONGEST, UUID, basic, entropy, made_up
from guardrails.linear import Pattern

DELIMITERS = r"\s\"'\x60,(){}\[\]<>|\\"
"""What no credential goes on after, for the inside of a class."""
LABELLED = Pattern(
    r"(?:\b|_|[a-z])(pass(?:word|wd|phrase)|passwd|pwd|secret|(?:api|access|account|private|secret|auth|signing|master"
    r"|encryption|shared|service|app|admin)[_ .-]?key|apikey|token|credentials?|authorization|pin)"
    r"(?:[_-]?(?:key|value|prod|production|dev|staging|live|test|[0-9]{1,3}))?"
    r"[\"'\]]{0,2}\s{0,4}(?::=|=>|==|[:=]|\s(?:is|was|lautet|est|es)\s)\s{0,4}[\"'\x60]?"
    rf"([^{DELIMITERS};]{{6,}})",
    ignore_case=True,
)
BEARER = Pattern(r"\b(bearer|basic)\s{1,3}([A-Za-z0-9._~+/=-]{20,})", ignore_case=True)
REFERENCE = Pattern(
    r"pk_|ssh-|sha[0-9]|md5|data:|https?:|arn:|projects/|file:|urn:|/[a-z_.-]{2,}(?:/|$)|[.~$%@#-]|[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)+$"
    r"|[A-Za-z]:/|[A-Za-z_]+(?:[_./:-][A-Za-z_]+)*$|[0-9.,:-]+$|(?:null|none|true|false|undefined)$",
    ignore_case=True,
)
"""What begins like this names or says something: a path, an address, a public key, words, a number."""
WORD, VALUE = 1, 2
BEFORE = 80
"""Characters before a value in which its label stands."""
CHOSEN = ("pass", "pwd", "secret", "credential")
"""Labels of what people choose, which may be short."""
HEX = Pattern(r"[0-9a-fA-F]+")


def labelled(text: str) -> Iterator[tuple[int, int, float]]:
    """Start, end and how sure, in order."""
    found = [*LABELLED.finditer(text), *BEARER.finditer(text)]
    end = 0
    for match in sorted(found, key=lambda one: one.start(VALUE)):
        start = match.start(VALUE)
        if start < end:
            continue
        value = text[start : match.end(VALUE)][:LONGEST].rstrip(".")
        sure = _sure(value, (match.group(WORD) or "").lower())
        if sure:
            end = start + len(value)
            yield start, end, sure


def last_word(text: str, since: int) -> int:
    """Where the last run of what a credential may be made of starts, from `since` on."""
    since = max(since, 0)
    return max(max(text.rfind(sign, since) for sign in " \t\n\r\f\"'`,(){}[]<>|\\") + 1, since)


def growing(text: str, word: int) -> Iterator[int]:
    """Where the value starts that the text ends in; `word` is where its last word does."""
    since = max(word - BEFORE, 0)
    for pattern in (LABELLED, BEARER):
        for match in pattern.finditer(text[since:]):
            if since + match.end(VALUE) == len(text):
                yield since + match.start(VALUE)


def _sure(value: str, word: str) -> float:
    if word == "basic":
        return basic(value)
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
