"""What a recipe learns from: rows of the Parquet files, with where they come from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from guardrails.errors import BadInput, Missing

LABELS = ("attack", "flagged", "harmful_request", "hate", "offensive", "toxic")
"""What the encoder says of a text. `attack` is of the prompt guard, the rest of moderation;
`flagged` is any of them."""

UNKNOWN = -1.0
"""A label that nobody gave: it takes no part in the loss."""

KNOWN = {
    "davidson": ("hate", "offensive", "harmful_request"),
    "surge-toxicity": ("toxic", "harmful_request"),
}
"""The categories that a source of moderation data was labelled for."""


@dataclass(frozen=True, slots=True)
class Example:
    """A text and what is known of it: for each of `LABELS` 1, 0 or `UNKNOWN`. `weight` is its part in the loss."""

    text: str
    targets: tuple[float, ...]
    kind: str
    source: str
    lang: str = "en"
    weight: float = 1.0


def rows(file: Path) -> list[dict[str, object]]:
    try:
        from pyarrow import parquet
    except ImportError as error:
        raise Missing.extra("pyarrow", "evals") from error
    try:
        read: list[dict[str, object]] = parquet.read_table(file).to_pylist()
    except FileNotFoundError as error:
        raise BadInput("there is no such file.", file=str(file)) from error
    return read


def targets(**given: float) -> tuple[float, ...]:
    return tuple(given.get(label, UNKNOWN) for label in LABELS)


CLEAN = targets(attack=0, flagged=0, harmful_request=0, hate=0, offensive=0, toxic=0)
ATTACK = targets(attack=1)
HARMFUL = targets(attack=0, flagged=1, harmful_request=1)


def of_prompts(read: Iterable[dict[str, object]]) -> list[Example]:
    """A bare harmful request is no attack, and moderation's to flag; attacks say nothing of moderation."""
    return [
        Example(
            str(row["text"]),
            ATTACK if row["label"] else HARMFUL if row["kind"] == "harmful_plain" else CLEAN,
            str(row["kind"]),
            str(row["source"]),
            str(row["lang"]),
            0.5 if row["quality"] == "noisy" else 1.0,
        )
        for row in read
    ]


def of_moderation(read: Iterable[dict[str, object]]) -> list[Example]:
    """Harmful requests are left out: they are in the prompts already."""
    found = []
    for row in read:
        source, categories = str(row["source"]), set(row["categories"])  # type: ignore[call-overload]
        if source in KNOWN:
            given = {name: float(name in categories) for name in KNOWN[source]}
            flagged = float(bool(row["label"]))
            found.append(Example(str(row["text"]), targets(attack=0, flagged=flagged, **given), "moderation", source))
    return found
