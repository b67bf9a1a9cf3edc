"""Words whose letters were exchanged, turned round or set apart: rot13, leet, reversal, spacing.

All but the last are undone only in a run of words that then are words everybody uses, and were not before. Numbers,
names and words that are not known do not end a run.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator, Mapping

from guardrails.canonical.view import View, undone
from guardrails.canonical.wordlist import COMMON
from guardrails.linear import Match, Pattern, tokens, words

FEWEST = 3
"""What the words of a run have to be worth: one each that is common when undone, half where it has two letters."""
PATIENCE = 2.0
"""How much a run may lose before it is over: 1 by a word that is common as it stands, a quarter by one not known."""
MOST_AROUND = 12
"""Words not known that are taken to belong to a run, before it and after."""
ROTATED: Mapping[str, str] = {
    spun: word for word in COMMON if len(word) > 1 and (spun := codecs.encode(word, "rot13")) not in COMMON
}
REVERSED: Mapping[str, str] = {word[::-1]: word for word in COMMON if len(word) > 1 and word[::-1] not in COMMON}
LEET = str.maketrans("4@31!|057$8", "aaeiiiostsb")
LEET_L = str.maketrans("4@31!|057$8", "aaelllostsb")
SIGNS = frozenset("43105780@!|$")
LEET_HINT = Pattern(r"[A-Za-z][43105780@!|$]+[A-Za-z]|\b[43105780@$][A-Za-z]")
AROUND = ".,:;?\"'()[]{}<>*`"
SEPARATORS = "-._*|,/~+=#\u00b7\u2022"
SPACED = Pattern(r"(?:[^\s] {1,3}){5,}[^\s]")
APART: Mapping[str, Pattern] = {sign: Pattern(rf"(?:[^\n]\x{{{ord(sign):x}}}){{5,}}[^\s]") for sign in SEPARATORS}


def rotated(text: str) -> list[View]:
    """Rot13."""
    runs = _runs(text, _valued(text, ROTATED))
    return undone("rot13", [(start, end, codecs.encode(text[start:end], "rot13")) for start, end in runs])


def backwards(text: str) -> list[View]:
    """Letters from back to front: of the whole run, and, as it may be meant so, of each word."""
    runs = _runs(text, _valued(text, REVERSED))
    whole = [(start, end, text[start:end][::-1]) for start, end in runs]
    each = [(start, end, " ".join(word[::-1] for word in text[start:end].split())) for start, end in runs]
    return undone("reversed", whole) + undone("reversed words", each)


def leet(text: str) -> list[View]:
    """Digits and signs for the letters they look like."""
    if LEET_HINT.search(text) is None:
        return []
    runs = _runs(text, _valued_leet(text))
    return undone("leet", [(start, end, _unleet(text[start:end])) for start, end in runs])


def spaced(text: str) -> list[View]:
    """Letters one by one, with a space or a sign between them. Two spaces, or the sign twice, part words."""
    pieces = [piece for found in SPACED.finditer(text) if (piece := _joined(text, found, " ")) is not None]
    for sign, pattern in APART.items():
        if text.count(sign) >= 5:
            found_here = (_joined(text, found, sign) for found in pattern.finditer(text))
            pieces += [piece for piece in found_here if piece is not None]
    return undone("spacing", sorted(pieces))


def _joined(text: str, found: Match, sign: str) -> tuple[int, int, str] | None:
    """None for what is no word: fewer than six letters, or mostly digits."""
    start, end = found.span()
    if not text[start].isalnum() or text[start - 1 : start].isalnum():
        start += 1
        start += len(text[start:end]) - len(text[start:end].lstrip(sign))
    if text[end - 1].isalnum() and text[end : end + 1].isalnum():
        end -= 1
    run = text[start:end]
    if sign == " ":
        said = " ".join("".join(part.split(" ")) for part in run.replace("   ", "  ").split("  "))
    else:
        said = run[::2]
    letters = sum(map(str.isalpha, said))
    return (start, end, said) if letters >= 6 and letters >= 0.6 * len(said) else None


def _valued(text: str, common: Mapping[str, str]) -> Iterator[tuple[int, int, float]]:
    for found in words(text):
        word = found.group().lower()
        yield found.start(), found.end(), _worth(word, word in common)


def _worth(word: str, hit: bool) -> float:
    if hit:
        return 1.0 if len(word) > 2 else 0.5
    return -1.0 if word in COMMON else 0.0 if word.isdecimal() else -0.25


def _valued_leet(text: str) -> Iterator[tuple[int, int, float]]:
    for found in tokens(text):
        word = found.group().lower().strip(AROUND)
        hit = not SIGNS.isdisjoint(word) and not word.isdecimal() and _plain(word) in COMMON
        yield found.start(), found.end(), _worth(word, hit)


def _plain(word: str) -> str:
    other = word.translate(LEET_L)
    return other if other in COMMON else word.translate(LEET)


def _unleet(text: str) -> str:
    """Numbers stay, unless all digits of it make a word."""
    said = []
    for token in text.split():
        word = token.lower().strip(AROUND)
        plain = _plain(word)
        changes = not SIGNS.isdisjoint(word) and (plain in COMMON or any(map(str.isalpha, word)))
        said.append(token.lower().replace(word, plain) if changes else token)
    return " ".join(said)


def _runs(text: str, valued: Iterable[tuple[int, int, float]]) -> list[tuple[int, int]]:
    """Runs of words that are worth something together, with the unknown words around them and the signs at them."""
    rows = list(valued)
    out: list[tuple[int, int]] = []
    floor = 0
    for first, last in _worthy(rows):
        first, last = _widened(rows, first, last, floor)
        floor = last + 1
        start, end = rows[first][0], rows[last][1]
        floor_at = out[-1][1] if out else 0
        while start > floor_at and not text[start - 1].isspace():
            start -= 1
        while end < len(text) and not text[end].isspace() and not text[end].isalnum():
            end += 1
        out.append((start, end))
    return out


def _worthy(rows: list[tuple[int, int, float]]) -> Iterator[tuple[int, int]]:
    """First and last index of the runs whose worth is `FEWEST` at least."""
    total, best, first, last = 0.0, 0.0, 0, 0
    for at, (_, _, worth) in enumerate(rows):
        if total <= 0 < worth:
            total, best, first = 0.0, 0.0, at
        total += worth
        if total > best:
            best, last = total, at
        if total <= 0 or best - total >= PATIENCE:
            if best >= FEWEST:
                yield first, last
            total, best = 0.0, 0.0
    if best >= FEWEST:
        yield first, last


def _widened(rows: list[tuple[int, int, float]], first: int, last: int, floor: int) -> tuple[int, int]:
    least, most = max(floor, first - MOST_AROUND), min(len(rows) - 1, last + MOST_AROUND)
    while first > least and -1.0 < rows[first - 1][2] <= 0:
        first -= 1
    while last < most and -1.0 < rows[last + 1][2] <= 0:
        last += 1
    return first, last
