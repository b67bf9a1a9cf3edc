"""The syntax of Handlebars: text and tags, with the white space that its tags take away, both ways.

A tag that writes nothing of its own (a block's, a comment, a partial) and stands alone on a line takes the line with
it; `~` takes all white space on its side. `\\{{` is text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from gateway.prompts.formats.source import refusal

WHITE_SPACE = "\t\n\v\f\r \u00a0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff" + "".join(map(chr, range(0x2000, 0x200B)))
"""As JavaScript has it."""
_QUOTED = r'"(?:\\.|[^"\\])*+"|' + r"'(?:\\.|[^'\\])*+'"
_COMMENT = re.compile(r"\{\{(?P<left>~?)!(?:--.*?--|(?!--).*?)(?P<right>~?)\}\}", re.DOTALL)
_TAG = re.compile(
    rf"\{{\{{(?P<left>~?)(?P<sigil>[#/^>&{{]?)(?P<inside>(?!!)(?>{_QUOTED}|[^\"'{{}}~])*+)(?P<brace>\}}?)(?P<right>~?)\}}\}}",
    re.DOTALL,
)
_WORD = re.compile(rf"\s*((?:[^\s\"'=|()\[]+=)?(?:{_QUOTED}|(?:\[[^\]]*+\]|[^\s\"'=|()\[]++)++))", re.DOTALL)
_PARAMS = re.compile(r"\sas\s+\|([^|]*)\|\s*\Z")
_ESCAPED = re.compile(r".{2,}?(?=\{\{|\\\{\{|\\\\\{\{|\Z)", re.DOTALL)
_LINE_BEFORE = re.compile(r"\n[ \t]*\Z")
_REST_OF_LINE = re.compile(r"\A[ \t]*\r?\n?")
_LINE_AFTER = re.compile(r"[ \t]*\r?\n")
_BEGINS_BLANK = re.compile(r"\s*(?:\n|\Z)")
_TO_ESCAPE = re.compile(r"(?<!\\)(\\*+)\{\{")


@dataclass(frozen=True, slots=True)
class Tag:
    """`sigil` is what it begins with: `#`, `/`, `^`, `>`, `!` for a comment, `else`, or nothing for a value."""

    sigil: str
    words: tuple[str, ...]
    params: tuple[str, ...]
    line: int
    strips: tuple[bool, bool] = (False, False)
    indented: bool = False
    """It stands alone on a line that begins with white space, as every line of a partial then does."""

    @property
    def silent(self) -> bool:
        return self.sigil != ""


Token = str | Tag
EMPTY = "{{!}}"
"""A comment. Beside it a tag does not stand alone, and a brace is not the tag's."""


def read(text: str, at: str) -> list[Token]:
    """Raises `BadRequest` naming `at` and the line."""
    return _stripped(_tokens(text, at))


def _tokens(text: str, at: str) -> list[Token]:
    found: list[Token] = []
    rest, line = 0, 1
    while (opened := text.find("{{", rest)) >= 0:
        before = text[rest:opened]
        line += before.count("\n")
        if before.endswith("\\") and not before.endswith("\\\\"):
            escaped = _ESCAPED.match(text, opened)
            assert escaped is not None  # it matches two characters and more, and they are there
            found += [before[:-1], escaped[0]]
            rest = escaped.end()
            line += escaped[0].count("\n")
            continue
        match = _COMMENT.match(text, opened) or _TAG.match(text, opened)
        if match is None:
            raise refusal(at, f"line {line}: a tag of Handlebars that is not closed, or of a kind that is not read")
        found += [before[:-1] if before.endswith("\\\\") else before, _tag(match, line, at)]
        rest = match.end()
        line += match[0].count("\n")
    return [token for token in [*found, text[rest:]] if token != ""]


def _tag(match: re.Match[str], line: int, at: str) -> Tag:
    strips = (bool(match["left"]), bool(match["right"]))
    if match.re is _COMMENT:
        return Tag("!", (), (), line, strips)
    sigil, inside = match["sigil"], match["inside"]
    if (sigil == "{") != bool(match["brace"]):
        raise refusal(at, f"line {line}: the braces of a tag do not match")
    params = _PARAMS.search(inside)
    words = _words(inside[: params.start()] if params else inside, f"{at}, line {line}")
    if not sigil and words[:1] == ("else",):
        sigil, words = "else", words[1:]
    elif sigil == "^" and not words:
        sigil = "else"
    return Tag("" if sigil in ("&", "{") else sigil, words, tuple(params[1].split()) if params else (), line, strips)


def _words(inside: str, at: str) -> tuple[str, ...]:
    words, inside = [], inside.strip()
    rest = 0
    while rest < len(inside):
        word = _WORD.match(inside, rest)
        if word is None:
            raise refusal(at, f"{inside[:80]!r} cannot be read")
        words.append(word[1])
        rest = word.end()
    return tuple(words)


def _stripped(tokens: Sequence[Token]) -> list[Token]:
    made = list(tokens)
    for index, tag in enumerate(tokens):
        if isinstance(tag, str):
            continue
        if tag.silent and _alone(tokens, index):
            made[index] = replace(tag, indented=bool(index) and str(tokens[index - 1]).endswith((" ", "\t")))
            _change(made, index - 1, lambda text: text.rstrip(" \t"))
            _change(made, index + 1, lambda text: _REST_OF_LINE.sub("", text, count=1))
        if tag.strips[0]:
            _change(made, index - 1, lambda text: text.rstrip(WHITE_SPACE))
        if tag.strips[1]:
            _change(made, index + 1, lambda text: text.lstrip(WHITE_SPACE))
    return [token for token in made if token != ""]


def _alone(tokens: Sequence[Token], index: int) -> bool:
    """Whether nothing else stands on its line."""
    before = tokens[index - 1] if index else "\n"
    after = tokens[index + 1] if index + 1 < len(tokens) else "\n"
    if not isinstance(before, str) or not isinstance(after, str):
        return False
    begins = _LINE_BEFORE.search(before) or (index == 1 and not before.strip(" \t"))
    ends = _LINE_AFTER.match(after) or (index + 2 == len(tokens) and not after.strip(" \t"))
    return bool(begins and ends)


def _change(tokens: list[Token], index: int, change: Callable[[str], str]) -> None:
    if 0 <= index < len(tokens) and isinstance(held := tokens[index], str):
        tokens[index] = change(held)


@dataclass(frozen=True, slots=True)
class Mark:
    """A tag to be written, without its braces."""

    inside: str

    @property
    def silent(self) -> bool:
        return self.inside.startswith(("#", "/", ">", "else"))


def write(items: Sequence[str | Mark]) -> str:
    """Text that means itself, and tags that take no white space away."""
    made: list[str] = []
    for index, item in enumerate(items):
        if isinstance(item, str):
            made.append(_written(item, before_a_tag=index + 1 < len(items)))
            continue
        before, after = (_text(items, beside) for beside in (index - 1, index + 1))
        tilde = "~" if before.endswith("{") else ""
        made.append(f"{{{{{tilde}{item.inside}}}}}")
        alone = item.silent and _ends_blank(before) and _BEGINS_BLANK.match(after)
        if alone or after.startswith("}"):
            made.append(EMPTY)
    return "".join(made)


def _text(items: Sequence[str | Mark], index: int) -> str:
    """Of an item; that of a tag is not blank, and beyond the ends are line ends."""
    if not 0 <= index < len(items):
        return "\n"
    item = items[index]
    return item if isinstance(item, str) else EMPTY


def _ends_blank(text: str) -> bool:
    return not text.strip() or "\n" in text[len(text.rstrip()) :]


def _written(text: str, before_a_tag: bool) -> str:
    made = _TO_ESCAPE.sub(lambda found: f"{found[1]}\\{{{{!}}}}\\{{{{" if found[1] else "\\{{", text)
    if not before_a_tag:
        return made
    if text.endswith("{"):
        return made + " "  # the tag after it takes that away, and its braces are not three
    return made + "\\" if text.endswith("\\") else made
