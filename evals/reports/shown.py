"""Other people's words, as they may be shown: nothing in them steers a terminal, or turns the text around them."""

from __future__ import annotations

import unicodedata

HIDDEN = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
"""Unicode's categories of marks that are not seen, and of those that are none."""


def shown(text: str) -> str:
    """Marks that are not seen and may do something are replaced; lines stay lines."""
    return "".join("\ufffd" if mark not in "\n\t" and unicodedata.category(mark) in HIDDEN else mark for mark in text)
