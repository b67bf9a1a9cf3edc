"""Numbers, as people and models write them in texts."""

from __future__ import annotations

import math
import re

FIGURE = re.compile(
    r"(?<![\w.,])[-+\u2212]?(?:\d[\d,.'\u2019_\u00a0\u202f]*\d|\d)(?:[eE][-+\u2212]?\d{1,3})?(?![^\W_a-zA-Z])"
)
GROUPED = {
    ".": re.compile(r"\d{1,3}(?:[,'\u2019_\u00a0\u202f]\d{2,3})*[,'\u2019_\u00a0\u202f]\d{3}(?:\.\d+)?|\d+(?:\.\d+)?"),
    ",": re.compile(r"\d{1,3}(?:[.'\u2019_\u00a0\u202f]\d{2,3})*[.'\u2019_\u00a0\u202f]\d{3}(?:,\d+)?|\d+(?:,\d+)?"),
}
"""By the mark before decimals: digits in groups, or none."""


def numbers(text: str, decimal: str = ".") -> list[float]:
    """The finite numbers in a text, in order. Groups of digits may be set apart, as in 1,234.5; what is no number by
    `decimal`, the mark before decimals (`.` or `,`), is passed over."""
    found = (number(figure, decimal) for figure in FIGURE.findall(text))
    return [value for value in found if value is not None]


def number(figure: str, decimal: str = ".") -> float | None:
    """The number that a text is, where it is one and finite."""
    bare = figure.strip().replace("\u2212", "-")
    digits, _, power = bare.lower().partition("e")
    sign, digits = (digits[0], digits[1:]) if digits[:1] in ("-", "+") else ("", digits)
    if not GROUPED[decimal].fullmatch(digits):
        return None
    kept = re.sub(rf"[^\d{re.escape(decimal)}]", "", digits).replace(decimal, ".")
    try:
        value = float(f"{sign}{kept}e{power or 0}")
    except ValueError:
        return None
    return value if math.isfinite(value) else None
