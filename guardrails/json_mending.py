"""Making JSON of what nearly is: one walk over the text, which writes what it reads in the right form."""

from __future__ import annotations

import json
import re

LONGEST = 1_000_000
"""Characters of a text that is repaired."""
MOST_NESTED = 100
QUOTES = {'"': '"', "'": "'", "“": "”", "‘": "’", "`": "`"}  # noqa: RUF001 - signs that stand for quotes
NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?")
BARE = re.compile(r"[^\s,:{}\[\]\"]{1,200}")
BEGINS = re.compile(r"[{\[]")
LITERALS = {"true": "true", "false": "false", "null": "null", "none": "null", "nan": "null", "undefined": "null"}
SPACE = re.compile(r"(?:\s|//[^\n]*|/\*.{0,1000}?\*/)*", re.DOTALL)
ESCAPES = '"\\/bfnrtu'


class _TooDeep(Exception):
    pass


def mended(text: str) -> str | None:
    """The first object or list of the text as JSON; None where there is none, or it is too long or too deep."""
    begun = BEGINS.search(text)
    if begun is None or len(text) > LONGEST:
        return None
    walk = _Walk(text, begun.start())
    try:
        walk.value(0)
        made = "".join(walk.out)
        json.loads(made)
    except (_TooDeep, ValueError, RecursionError):
        return None
    return made


class _Walk:
    def __init__(self, text: str, at: int) -> None:
        self._text, self._at = text, at
        self.out: list[str] = []

    def value(self, depth: int) -> bool:
        """Write the value that begins here; False where there is none."""
        if depth > MOST_NESTED:
            raise _TooDeep
        sign = self._sign()
        if sign == "{":
            self._object(depth)
        elif sign == "[":
            self._list(depth)
        elif sign in QUOTES:
            self._string()
        else:
            return self._bare()
        return True

    def _sign(self) -> str:
        """The next sign after spaces and comments; empty at the end."""
        found = SPACE.match(self._text, self._at)
        self._at = found.end() if found is not None else self._at
        return self._text[self._at : self._at + 1]

    def _object(self, depth: int) -> None:
        self._at += 1
        self.out.append("{")
        first = True
        while (sign := self._sign()) not in ("}", ""):
            if sign in ",:]":
                self._at += 1
                continue
            begun = len(self.out)
            if not first:
                self.out.append(",")
            first = not self._pair(depth) and first
            if self._at >= len(self._text) and self.out[-1] == ":":
                del self.out[begun:]  # a key whose value was cut off
        self._at += 1
        self.out.append("}")

    def _pair(self, depth: int) -> bool:
        """Write a key, a colon and a value."""
        if self._sign() in QUOTES:
            self._string()
        elif (found := BARE.match(self._text, self._at)) is not None:
            self.out.append(json.dumps(found.group()))
            self._at = found.end()
        else:  # an object or a list in the place of a key
            self.out.append('""')
        if self._sign() == ":":
            self._at += 1
        self.out.append(":")
        if not self.value(depth + 1) and self._sign():
            self.out.append("null")
        return True

    def _list(self, depth: int) -> None:
        self._at += 1
        self.out.append("[")
        first = True
        while (sign := self._sign()) not in ("]", ""):
            if sign in ",:}":
                self._at += 1
                continue
            if not first:
                self.out.append(",")
            first = False
            if not self.value(depth + 1):
                self.out.append("null")
                self._at += 1
        self._at += 1
        self.out.append("]")

    def _string(self) -> None:
        closing = QUOTES[self._text[self._at]]
        self._at += 1
        made = ['"']
        while self._at < len(self._text) and (one := self._text[self._at]) != closing:
            self._at += 1
            if one == "\\":
                made.append(self._escape())
            elif one == '"' or one < " ":
                made.append(json.dumps(one)[1:-1])
            else:
                made.append(one)
        self._at += 1
        self.out.append("".join([*made, '"']))

    def _escape(self) -> str:
        """What a backslash stands before; one that stands before nothing that can be escaped is left out."""
        one = self._text[self._at : self._at + 1]
        self._at += 1
        if one == "u":
            digits = self._text[self._at : self._at + 4]
            if len(digits) == 4 and all(digit in "0123456789abcdefABCDEF" for digit in digits):
                self._at += 4
                return f"\\u{digits}"
            return "u" if len(self._text) - self._at >= 4 else ""
        if one and one in ESCAPES:
            return f"\\{one}"
        return json.dumps(one)[1:-1] if one else ""

    def _bare(self) -> bool:
        """Write a number, a literal, or a word that should have been a string."""
        found = BARE.match(self._text, self._at)
        if found is None:
            return False
        word = found.group()
        self._at = found.end()
        cut = self._at >= len(self._text)
        literal = LITERALS.get(word.lower())
        if literal is None and cut:
            literal = next((whole for whole in ("true", "false", "null") if whole.startswith(word)), None)
        number = NUMBER.match(word)
        if literal is not None:
            self.out.append(literal)
        elif number is not None and (number.end() == len(word) or cut):
            self.out.append(number.group())
        else:
            self.out.append(json.dumps(word, ensure_ascii=False))
        return True
