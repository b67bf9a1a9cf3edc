"""Sentences with labelled values in them: templates filled in, and real sentences whose names were exchanged."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from guardrails.pii.recipe.values import Values
from guardrails.verdict import Span

TEMPLATES = Path(__file__).with_name("templates.txt")
SLOT = re.compile(r"\{([a-z_]+)\}")
EXCHANGED: Mapping[str, str] = {"PERSON": "name", "GPE": "city", "ORG": "org"}
"""Labels of a named-entity recogniser, and what is drawn in their place."""
TAKEN: Mapping[str, str] = {
    "PERSON": "PERSON",
    "GPE": "LOCATION",
    "LOC": "LOCATION",
    "FAC": "LOCATION",
    "ORG": "ORGANIZATION",
    "NORP": "NRP",
    "DATE": "DATE",
}
MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.?"
DAY = re.compile(rf"\b\d{{1,2}}[./-]\d{{1,2}}\b|\b{MONTH} \d|\b\d{{1,2}}(?:st|nd|rd|th)? (?:of )?{MONTH}")


@dataclass(frozen=True, slots=True)
class Sentence:
    text: str
    spans: tuple[Span, ...]


def templates() -> list[str]:
    return [line.replace("\\n", "\n") for line in TEMPLATES.read_text(encoding="utf-8").splitlines() if line]


def filled(template: str, values: Values) -> Sentence:
    text, spans, at = "", [], 0
    for slot in SLOT.finditer(template):
        text += template[at : slot.start()]
        label, value = values.draw(slot.group(1))
        if label is not None:
            spans.append(Span(len(text), len(text) + len(value), label))
        text += value
        at = slot.end()
    return Sentence(text + template[at:], tuple(spans))


def exchanged(text: str, entities: Sequence[tuple[int, int, str]], values: Values) -> Sentence:
    """A real sentence, two of three of its names exchanged for drawn ones. A year alone is no
    date."""
    made, spans, at = "", [], 0
    for start, end, kind in entities:
        value, label = text[start:end], TAKEN[kind]
        made += text[at:start]
        at = end
        if kind in EXCHANGED and values.chance.random() < 0.67:
            drawn = EXCHANGED[kind]
            if drawn == "name" and " " not in value:
                drawn = values.chance.choice(("first", "last"))
            if drawn == "city" and values.chance.random() < 0.4:
                drawn = "country"
            value = values.draw(drawn)[1]
        if kind != "DATE" or DAY.search(value):
            spans.append(Span(len(made), len(made) + len(value), label))
        made += value
    return Sentence(made + text[at:], tuple(spans))


def quoted(sentence: Sentence, values: Values) -> Sentence:
    """As several lines often are: each behind a sign, or set in."""
    if "\n" not in sentence.text or values.chance.random() < 0.6:
        return sentence
    mark = values.chance.choice((">", "> ", "  ", "    ", "\t", "# "))
    text, places = "", []
    for one in sentence.text:
        places.append(len(text))
        text += one + mark if one == "\n" else one
    places.append(len(text))
    return Sentence(text, tuple(Span(places[span.start], places[span.end], span.label) for span in sentence.spans))


def recased(sentence: Sentence, values: Values) -> Sentence:
    """As people also write: all small, or all capital. A letter whose other case is longer is left."""
    roll = values.chance.random()
    if roll < 0.8:
        return sentence
    change = str.lower if roll < 0.96 else str.upper
    text = "".join(changed if len(changed := change(one)) == 1 else one for one in sentence.text)
    return Sentence(text, sentence.spans)


def corpus(
    number: int, real: Iterable[tuple[str, Sequence[tuple[int, int, str]]]], values: Values
) -> Iterator[Sentence]:
    """`number` filled templates, then every real sentence once."""
    forms = templates()
    for _ in range(number):
        yield recased(quoted(filled(values.chance.choice(forms), values), values), values)
    for text, entities in real:
        yield recased(exchanged(text, entities, values), values)
