"""Attacks and their harmless look-alikes, composed: the same documents, the same places in them and the same lengths on
both sides, so that neither length nor a wrapper is the class."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

import yaml

from guardrails.redteam.disguises import READABLE, SEALED
from guardrails.training.corpora import ATTACK, CLEAN, Example

UNREAD = "shuffled"
"""The disguise that `guardrails.canonical` does not undo: a model has to read it."""


@dataclass(frozen=True)
class Phrases:
    overrides: list[str]
    payloads: list[str]
    wrappers: list[tuple[str, str]]
    foe_wrappers: list[tuple[str, str]]
    remarks: list[str]
    tasks: list[str]
    hard: list[str]
    topics: list[str]
    everyday: list[str]
    fillers: dict[str, list[str]]
    languages: dict[str, dict[str, list[str]]]

    @classmethod
    def shipped(cls) -> Phrases:
        return cls(**yaml.safe_load(files("guardrails.training").joinpath("phrases.yaml").read_text("utf-8")))


@dataclass(frozen=True)
class Composer:
    """`documents`, `questions` and `attacks` are the texts of the corpora that are put together."""

    phrases: Phrases
    documents: Sequence[str]
    questions: Sequence[str]
    attacks: Sequence[str]
    chance: random.Random

    def excerpt(self) -> str:
        """A piece of a document, 80 to 500 characters, cut at spaces."""
        document = self.chance.choice(self.documents)
        length = self.chance.randint(80, 500)
        start = self.chance.randint(0, max(0, len(document) - length))
        return document[start : start + length].partition(" ")[2].rpartition(" ")[0] or document[:length]

    def within(self, piece: str, wrapper: tuple[str, str]) -> str:
        """`piece` at a place of a document, and now and then under a task."""
        document = self.excerpt()
        place = self.chance.choice((0, len(document), document.rfind(" ", 0, len(document) // 2) + 1))
        text = f"{document[:place]}{wrapper[0]}{piece}{wrapper[1]}{document[place:]}"
        return f"{self.chance.choice(self.phrases.tasks)}\n{text}" if self.chance.random() < 0.3 else text

    def order(self) -> str:
        """An attack in a sentence or two: by template, or one that people wrote."""
        draw = self.chance.random()
        if draw < 0.35:
            return f"{self.chance.choice(self.phrases.overrides)} {self.chance.choice(self.phrases.payloads)}"
        if draw < 0.5:
            return f"{self.chance.choice(self.phrases.overrides)} {self.chance.choice(self.questions)}"
        if draw < 0.65:
            return self.foreign("attacks")[0]
        return self.chance.choice(self.attacks)

    def remark(self) -> str:
        """What stands in the place of an attack in a harmless text."""
        draw = self.chance.random()
        if draw < 0.2:
            return self.foreign("benign")[0]
        return self.chance.choice(self.phrases.remarks if draw < 0.65 else self.questions)

    def foreign(self, side: str) -> tuple[str, str]:
        """A text in another language, alone, twice, or before something that is asked in any."""
        known = self.phrases.languages
        (lang,) = self.chance.choices(list(known), [len(of[side]) for of in known.values()])
        given = self.phrases.languages[lang][side]
        text, draw = self.chance.choice(given), self.chance.random()
        if draw < 0.6:
            text = f"{text} {self.chance.choice(given if draw < 0.25 else self.questions)}"
        return text, lang

    def attack(self) -> Example:
        draw = self.chance.random()
        if draw < 0.2:
            text, lang = self.foreign("attacks")
            return Example(text, ATTACK, "injection_direct", "templates", lang)
        if draw < 0.4:
            return Example(self.order(), ATTACK, "injection_direct", "templates")
        wrappers = self.phrases.wrappers + self.phrases.foe_wrappers
        text = self.within(self.order(), self.chance.choice(wrappers))
        return Example(text, ATTACK, "injection_indirect", "templates")

    def harmless(self) -> Example:
        draw = self.chance.random()
        if draw < 0.2:
            text, lang = self.foreign("benign")
            return Example(text, CLEAN, "benign", "templates", lang)
        if draw < 0.4:
            text = self.chance.choice(self.phrases.hard).format(topic=self.chance.choice(self.phrases.topics))
            return Example(text, CLEAN, "benign_hard", "templates")
        if draw < 0.85:
            remark = self.remark()
            return Example(
                self.within(remark, self.chance.choice(self.phrases.wrappers)), CLEAN, "benign_doc", "templates"
            )
        asked = "\n".join(self.chance.choices(self.questions, k=self.chance.randint(2, 8)))
        return Example(asked, CLEAN, "benign", "templates")

    def everyday(self) -> Example:
        """What people say to an assistant all day, alone, twice, or with a question."""
        filled = {name: self.chance.choice(of) for name, of in self.phrases.fillers.items()}
        text, draw = self.chance.choice(self.phrases.everyday).format(**filled), self.chance.random()
        if draw < 0.2:
            text = f"{text} {self.chance.choice(self.phrases.everyday).format(**filled)}"
        elif draw < 0.35:
            text = f"{text} {self.chance.choice(self.questions)}"
        if draw > 0.8:
            text = self.chance.choice((text.lower(), text.upper(), text.rstrip(".!?"), f"{text}!"))
        return Example(text, CLEAN, "benign_hard", "everyday")

    def disguised(self, example: Example) -> Example | None:
        """The example in a disguise. That alone is no attack: of attacks only what no reading of the guard undoes stays
        one, and of the others what they hide is judged."""
        harmless = example.targets == CLEAN
        name = self.chance.choice((*READABLE, *SEALED, UNREAD))
        if not harmless and (example.targets != ATTACK or name != UNREAD):
            return None
        text = {**READABLE, **SEALED}[name](example.text[:600], self.chance)
        kind = example.kind if harmless else "obfuscated"
        return Example(text, example.targets, kind, f"disguised/{name}", example.lang, example.weight)
