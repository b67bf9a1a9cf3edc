"""Values that are hidden from a model and given back in its answer; or hashes of them, which nobody can undo."""

from __future__ import annotations

import hmac
import re
from collections.abc import Sequence

from guardrails.redact import mask, merged
from guardrails.verdict import Span

PLACEHOLDER = re.compile(r"<[A-Z][A-Z_]{0,30}_\d{1,6}>")
GROWING = re.compile(r"<(?:[A-Z][A-Z_]{0,31}\d{0,6})?")
"""What may become a placeholder when more comes."""
MOST = 10_000
"""Values of one call that are kept; what comes after is masked, and stays so."""
HASHED = 10
"""Hex digits of a hash: 40 bits."""


class Vault:
    """The values of one call, in memory. The same value of the same label has the same placeholder, as `<EMAIL_1>`."""

    def __init__(self) -> None:
        self._placeholders: dict[tuple[str, str], str] = {}
        self._values: dict[str, str] = {}
        self._counts: dict[str, int] = {}

    def hide(self, text: str, spans: Sequence[Span]) -> str:
        """The text with each span replaced by its placeholder: none that the text has of its own."""
        out, at = [], 0
        for span in merged(spans):
            out += [text[at : span.start], self._placeholder(span, text)]
            at = span.end
        return "".join([*out, text[at:]])

    def reveal(self, text: str) -> str:
        """The text with the values back; what only looks like a placeholder is left."""
        return PLACEHOLDER.sub(lambda found: self._values.get(found.group(), found.group()), text)

    def revealer(self) -> Revealer:
        """For a text that comes in pieces."""
        return Revealer(self)

    def _placeholder(self, span: Span, text: str) -> str:
        value = text[span.start : span.end]
        known = self._placeholders.get((span.label, value))
        if known is not None:
            return known
        if len(self._values) >= MOST:
            return mask(span)
        label = mask(span)[1:-1]
        while True:
            self._counts[label] = self._counts.get(label, 0) + 1
            placeholder = f"<{label}_{self._counts[label]}>"
            if placeholder not in text:
                break
        self._placeholders[span.label, value] = placeholder
        self._values[placeholder] = value
        return placeholder


class Revealer:
    """Gives back the values in a text that comes in pieces. What comes out, put together, is what `reveal` makes of
    the whole, wherever it was cut; no more is held back than a placeholder is long."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._held = ""

    def feed(self, piece: str) -> str:
        text = self._held + piece
        begun = text.rfind("<")
        cut = begun if begun >= 0 and GROWING.fullmatch(text, begun) else len(text)
        self._held = text[cut:]
        return self._vault.reveal(text[:cut])

    def end(self) -> str:
        left, self._held = self._held, ""
        return self._vault.reveal(left)


def hashed(span: Span, value: str, key: bytes, tenant: str | None) -> str:
    """What stands in the place of a value that has to be told from others and not known: its label and a keyed hash
    (HMAC-SHA-256), the same for the same value of one tenant, another for another's."""
    said = "\0".join((tenant or "", span.label, value)).encode(errors="replace")
    digest = hmac.digest(key, said, "sha256").hex()[:HASHED]
    return f"[{mask(span)[1:-1]}:{digest}]"
