"""Claims with the evidence they are to stand on: from the rows of the data, and made from passages of it.

Made ones are in two halves that look alike: a sentence of a passage as it stands and the same sentence with a number, a
name or a negation changed; a sentence over a passage that has it and over the passage without it.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from guardrails.grounding.claims import claim
from guardrails.grounding.evidence import Context
from guardrails.grounding.sentences import Sentence, sentences

NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
NAME = re.compile(r"(?<=[a-z,;] )[A-Z][a-z]{2,}(?: [A-Z][a-z]{2,}){0,2}")
AUXILIARY = re.compile(r"\b(is|are|was|were|can|could|will|would|has|have|had|does|did|should|may)\b(?! not\b)")
NEGATION = re.compile(r"\b(is|are|was|were|can|could|will|would|has|have|had|does|did|should|may) not\b|\bcannot\b")
ANTONYMS = {
    word: other
    for pair in (
        "first last|more less|most least|before after|increase decrease|increased decreased|higher lower|high low"
        "|largest smallest|oldest youngest|best worst|early late|won lost|north south|east west|male female|begin end"
        "|always never|many few|large small|began ended|rise fall|older younger|above below|father mother|son daughter"
    ).split("|")
    for word, other in (pair.split(), pair.split()[::-1])
}
TURNED = re.compile(rf"\b({'|'.join(ANTONYMS)})\b")


@dataclass(frozen=True, slots=True)
class Pair:
    """`supported` is 1 or 0; `group` is what the loss is balanced over, the source with what was made of it."""

    claim: str
    evidence: str
    supported: float
    group: str
    weight: float = 1.0


@dataclass(frozen=True)
class Maker:
    """`share` is how often a context is put among others of its source before its evidence is chosen."""

    chance: random.Random
    share: float = 0.2

    def of_rows(self, rows: Iterable[dict[str, object]]) -> list[Pair]:
        """A row with marked spans, or one that is supported, sentence by sentence; others as a whole, since nobody
        said which of their sentences is not."""
        read = list(rows)
        contexts: dict[str, list[str]] = defaultdict(list)
        for row in read:
            contexts[str(row["source"])].append(str(row["context"]))
        found = []
        for row in read:
            context, question, source = str(row["context"]), str(row["question"]), str(row["source"])
            texts = [context]
            if self.chance.random() < self.share:
                texts += self.chance.choices(contexts[source], k=self.chance.randint(1, 3))
                self.chance.shuffle(texts)
            held = Context.of(texts)
            for sentence, supported in units(row):
                said = claim(question, sentence.text)
                found.append(Pair(said, held.evidence(said), supported, f"{source}/{int(supported)}"))
        return found

    def made(self, passages: Sequence[str], count: int) -> list[Pair]:
        """`count` times a sentence of a passage, with what was made of it."""
        found = []
        for passage in self.chance.choices(passages, k=count):
            said = [one for one in sentences(passage) if 40 <= len(one.text) <= 300]
            if len(said) < 3:
                continue
            sentence = self.chance.choice(said)
            changed = self.changed(sentence.text, passage)
            held = Context.of([passage])
            found.append(Pair(claim("", sentence.text), held.evidence(sentence.text), 1.0, "made/1"))
            if changed is not None:
                found.append(Pair(claim("", changed), held.evidence(changed), 0.0, "made/changed"))
            if self.chance.random() < 0.4:
                without = Context.of([passage[: sentence.start] + passage[sentence.end :]])
                found.append(Pair(claim("", sentence.text), without.evidence(sentence.text), 0.0, "made/without"))
        return found

    def swapped(self, rows: Iterable[dict[str, object]]) -> list[Pair]:
        """Supported English claims that people wrote, with something changed: what a paraphrase gets wrong."""
        found = []
        for row in rows:
            if row["lang"] != "en" or row["y"] or row["source"] == "xquad-derived":
                continue
            context, text = str(row["context"]), str(row["response"])
            changed = self.changed(text, context)
            if changed is not None and len(text) < 300:
                said = claim(str(row["question"]), changed)
                found.append(Pair(said, Context.of([context]).evidence(said), 0.0, "made/swapped"))
        return found

    def changed(self, text: str, context: str) -> str | None:
        """The text with one thing changed that makes it wrong by its context, or None where there is nothing to."""
        ways = [self.number, self.name, self.negation, self.opposite]
        self.chance.shuffle(ways)
        for way in ways:
            changed = way(text, context)
            if changed is not None and changed != text:
                return changed
        return None

    def number(self, text: str, context: str) -> str | None:
        found = list(NUMBER.finditer(text))
        if not found:
            return None
        match = self.chance.choice(found)
        others: list[str] = [
            other for other in NUMBER.findall(context) if other not in text and len(other) == len(match.group())
        ]
        if others and self.chance.random() < 0.5:
            new = self.chance.choice(others)
        else:
            at = self.chance.randrange(len(match.group()))
            new = match.group()[:at] + self.chance.choice("123456789") + match.group()[at + 1 :]
        return text[: match.start()] + new + text[match.end() :]

    def name(self, text: str, context: str) -> str | None:
        found = list(NAME.finditer(text))
        others: list[str] = sorted({other for other in NAME.findall(context) if other not in text})
        if not found or not others:
            return None
        match = self.chance.choice(found)
        return text[: match.start()] + self.chance.choice(others) + text[match.end() :]

    def negation(self, text: str, _: str) -> str | None:
        if (match := NEGATION.search(text)) is not None:
            return text[: match.start()] + (match.group(1) or "can") + text[match.end() :]
        if (match := AUXILIARY.search(text)) is not None:
            return text[: match.end()] + " not" + text[match.end() :]
        return None

    def opposite(self, text: str, _: str) -> str | None:
        match = TURNED.search(text)
        return match and text[: match.start()] + ANTONYMS[match.group()] + text[match.end() :]


def units(row: dict[str, object]) -> list[tuple[Sentence, float]]:
    """The parts of a row's response that are labelled, each with 1 for supported and 0 for not."""
    text, spans = str(row["response"]), list(row["spans"])  # type: ignore[call-overload]
    whole = Sentence(0, len(text), text)
    if row["y"] and not spans:
        return [(whole, 0.0)]
    parts = sentences(text) or [whole]
    return [(part, float(not any(start < part.end and end > part.start for start, end in spans))) for part in parts]
