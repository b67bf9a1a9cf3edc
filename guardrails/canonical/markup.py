"""Markup: what HTML and Markdown say to a reader, and what they keep from one.

Rules, and no parser: what browsers would make of broken markup is not of interest, but what a model may read in it.
"""

from __future__ import annotations

import html

from guardrails.canonical.view import View, undone
from guardrails.linear import Pattern

COMMENT = Pattern(r"(?s)<!--(.*?)(?:-->|\z)|\[//\]: ?#? ?[(\"']([^\n]*)")
HIDING = (
    r"(?:display\s*:\s*none|visibility\s*:\s*hidden|opacity\s*:\s*0(?:\.0+)?\s*[;\"']|font-size\s*:\s*[01](?:px|pt|em)?\s*[;\"']"
    r"|(?:left|top|text-indent)\s*:\s*-\d{3,}|color\s*:\s*(?:#fff(?:fff)?|white|transparent)\b|aria-hidden=[\"']?true|\shidden\b)"
)
HIDDEN = Pattern(
    rf"(?is)<(?:[a-z][a-z0-9]*)\b[^<>]*{HIDING}[^<>]*>([^<]*(?:<(?:b|i|em|strong|br|span|a|p)\b[^<>]*>[^<]*)*)"
)
UNSHOWN = Pattern(r"(?is)<(?:template|noscript|script|style|textarea|title|desc|metadata)\b[^<>]*>([^<]*)")
ATTRIBUTES = Pattern(
    r"(?is)<[a-z!][^<>]*?\b(?:alt|title|content|aria-label|aria-description|placeholder|value|data-[a-z-]+|summary|label)"
    r"\s*=\s*(?:\"([^\"<>]{8,})\"|'([^'<>]{8,})')"
)
TAG = Pattern(r"(?s)<!--.*?-->|</?[A-Za-z][^<>]*>")
ENTITY = Pattern(r"&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});")
SPOKEN = Pattern(r"&(?:#(?:3[2-9]|[4-9][0-9]|1[01][0-9]|12[0-6])|#[xX](?:[2-6][0-9A-Fa-f]|7[0-9A-Ea-e]));")
"""Entities of characters that need none."""
EMPHASIS = Pattern(r"[A-Za-z](?:\*{1,3}|_{2,3}|~~|`)[A-Za-z]+|[A-Za-z]\\[*_`~-]?[A-Za-z]")
MARKS = str.maketrans("", "", "*`~\\")
TITLE = Pattern(
    r"\]\([^\s()]*\s+(?:\"([^\"\n]{8,})\"|'([^'\n]{8,})')\s*\)|^\[[^\]\n]+\]:\s*\S+\s+\"([^\"\n]{8,})\"|!\[([^\]\n]{20,})\]\("
)


def hidden(text: str) -> list[View]:
    """What HTML does not show: comments, elements that are hidden, and those whose text is for the machine."""
    if "<" not in text and "[//]" not in text:
        return []
    return [
        *_grouped("comment", text, COMMENT),
        *_grouped("hidden element", text, HIDDEN),
        *_grouped("hidden element", text, UNSHOWN),
    ]


def attributes(text: str) -> list[View]:
    """Words in attributes, and the titles of Markdown's links and pictures."""
    return [
        *(_grouped("attribute", text, ATTRIBUTES) if "=" in text and "<" in text else []),
        *(_grouped("title", text, TITLE) if "](" in text or "]:" in text else []),
    ]


def shown(text: str) -> list[View]:
    """HTML without its tags, where these part words or there are several, and entities as what they mean."""
    start = text.find("<")
    spelled = sum(1 for _ in SPOKEN.finditer(text)) if "&#" in text else 0
    tags = [found.span() for found in TAG.finditer(text)] if start >= 0 else []
    parting = sum(text[first - 1 : first].isalpha() and text[last : last + 1].isalpha() for first, last in tags)
    if len(tags) < 4 and not parting and spelled < 4:
        return []
    plain = html.unescape(_without(text, tags))
    return [View(plain, ("HTML",), 0, len(text))] if plain.strip() else []


def emphasis(text: str) -> list[View]:
    """Words without Markdown's signs inside them."""
    if not any(sign in text for sign in ("**", "__", "~~", "`", "*", "\\")):
        return []
    parted = sum(1 for _ in EMPHASIS.finditer(text))
    if parted < 2:
        return []
    return [View(text.translate(MARKS).replace("__", ""), ("Markdown",), 0, len(text))]


def _without(text: str, spans: list[tuple[int, int]]) -> str:
    """Inline tags leave nothing behind, others a line."""
    out, at = [], 0
    for start, end in spans:
        out.append(text[at:start])
        if text[start:end].lower().startswith(BLOCKS):
            out.append("\n")
        at = end
    return "".join([*out, text[at:]])


BLOCKS = tuple(
    f"<{slash}{name}"
    for slash in ("", "/")
    for name in (
        "p",
        "div",
        "br",
        "li",
        "ul",
        "tr",
        "td",
        "th",
        "h1",
        "h2",
        "h3",
        "h4",
        "section",
        "article",
        "table",
        "title",
    )
)


def _grouped(how: str, text: str, pattern: Pattern) -> list[View]:
    pieces = []
    for found in pattern.finditer(text):
        said = next((part for part in found.groups() if part), "")
        if any(map(str.isalpha, said)):
            pieces.append((*found.span(), html.unescape(said.strip())))
    return undone(how, pieces)
