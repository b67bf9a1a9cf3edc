"""Personal data: names, addresses, contact data, numbers of cards, accounts and papers."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from guardrails.errors import Missing, NotRun
from guardrails.guard import Finder
from guardrails.passage import STAGES, Stage, Surroundings
from guardrails.pii import finding
from guardrails.verdict import Span

Entity = Literal[
    "PERSON",
    "ADDRESS",
    "LOCATION",
    "ORGANIZATION",
    "NRP",
    "PHONE",
    "EMAIL",
    "URL",
    "IP_ADDRESS",
    "DATE",
    "AGE",
    "CREDIT_CARD",
    "IBAN",
    "BANK_ACCOUNT",
    "US_SSN",
    "NATIONAL_ID",
    "TAX_ID",
    "PASSPORT",
    "DRIVER_LICENSE",
]


class Pii(Finder):
    """`entities` are the kinds that are looked for: all, where none are named. Names and places are found by a
    tagger that was made for English; the rest by patterns, of many countries."""

    guard: Literal["pii"] = "pii"
    entities: tuple[Entity, ...] = Field((), description="The kinds looked for; all where it is empty.")
    about: ClassVar[str] = "Personal data, by patterns with check digits and a small tagger for names and places"
    stages: ClassVar[tuple[Stage, ...]] = STAGES
    reach: ClassVar[int] = finding.REACH

    def spans(self, text: str, around: Surroundings) -> list[Span]:
        return self.spans_after(text, 0, around)

    def spans_after(self, text: str, since: int, around: Surroundings) -> list[Span]:
        try:
            found = finding.found(text, since)
        except Missing as error:
            raise NotRun(error.message.rstrip("."), "missing") from error
        return [span for span in found if span.label in self.entities] if self.entities else found

    def settled(self, text: str) -> int:
        return finding.settled(text)

    def settled_after(self, text: str, since: int) -> int:
        return finding.settled(text, since)
