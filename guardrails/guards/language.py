"""Whether a text is in a language that is allowed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field

from guardrails.errors import Missing, NotRun
from guardrails.guard import Guard, Models, labelled
from guardrails.passage import LONG, STAGES, Passage, Stage, Surroundings
from guardrails.verdict import Finding, Span

WINDOW = 1000
"""Characters that are judged at once, so that a part in another language does not drown in the rest."""
CERTAIN = 0.5
"""The probability from which on a language is taken to be told."""
NO_LANGUAGE = "zxx"
"""What ISO 639-2 calls a text that is in none: numbers, code."""
LANGUAGES = frozenset(
    """
    af am an ar as az ba be bg bn br bs ca cs cy da de dz el en eo es et eu fa fi fo fr fy ga gd gl gu ha he hi hr ht
    hu hy id ig is it ja jv ka kk km kn ko ku ky la lb lg ln lo lt lv mg mk ml mn mr ms mt my ne nl nn no oc om or pa
    pl ps pt qu ro ru rw sa se si sk sl sn so sq sr st sv sw ta te tg th tk tl tr tt ug uk ur uz vi vo wa xh yo zh zu
    """.split()
)
"""ISO 639-1 codes of those that can be told."""


def told(texts: Sequence[str]) -> list[str | None]:
    """For each text the language of `LANGUAGES` that it is certainly in, None where that is none: what is written in
    look-alike letters is taken for some creole. Raises `NotRun` where what tells them is not installed. Loading it
    takes a second."""
    best = [_identifier().rank(text)[0] for text in texts]
    return [code if share >= CERTAIN and code in LANGUAGES else None for code, share in best]


def _known(code: str) -> str:
    if code not in LANGUAGES:
        raise ValueError(f"{code[:20]!r} is no language that can be told; write two letters, as en, de or zh")
    return code


class Language(Guard):
    """The score is the highest probability, over parts of 1,000 characters, that a part is in a language that is not
    allowed, by a naive Bayes model over byte n-grams (langid: Lui and Baldwin, ACL 2012). Parts of fewer than
    `shortest` letters, and those of which no language is certain, as code, are not judged; where all are, it says
    *not run*."""

    about: ClassVar[str] = "Whether a text is in a language that is allowed"
    stages: ClassVar[tuple[Stage, ...]] = STAGES
    guard: Literal["language"] = "language"
    allow: tuple[Annotated[str, AfterValidator(_known)], ...] = Field(
        min_length=1, description="Those that are allowed, in two letters."
    )
    shortest: int = Field(20, ge=1, le=WINDOW, description="Letters that a text must have to be judged.")

    async def judge(self, passage: Passage, around: Surroundings, models: Models) -> Finding:
        text = passage.text
        parts = self._told(text) if len(text) <= LONG else await asyncio.to_thread(self._told, text)
        if not parts:
            raise NotRun(f"it has fewer than {self.shortest} letters", "idle")
        judged = await asyncio.to_thread(_ranked, parts)
        certain = [row for row in judged if row[2][0][1] >= CERTAIN and row[2][0][0] != NO_LANGUAGE]
        if not certain:
            raise NotRun("no language is certain", "idle")
        spans, worst = [], 0.0
        told: dict[str, float] = {}
        for start, text, ranks in certain:
            strange = min(max(1.0 - sum(share for code, share in ranks if code in self.allow), 0.0), 1.0)
            told[ranks[0][0]] = max(told.get(ranks[0][0], 0.0), ranks[0][1])
            worst = max(worst, strange)
            if strange >= self.threshold:
                spans.append(Span(start, start + len(text), ranks[0][0], strange))
        reason = f"it is in {', '.join(dict.fromkeys(span.label for span in spans))}" if spans else ""
        return Finding(worst, tuple(spans), reason, labelled(told))

    def _told(self, text: str) -> list[tuple[int, str]]:
        """The parts that have letters enough."""
        return [part for part in _parts(text) if sum(map(str.isalpha, part[1])) >= self._fewest(part[1])]

    def _fewest(self, text: str) -> int:
        """Of scripts in which a sign is a word, a third of the letters says as much."""
        wordlike = sum("\u3040" <= sign <= "\u9fff" or "\uac00" <= sign <= "\ud7af" for sign in text)
        return self.shortest if 2 * wordlike < len(text) else -(-self.shortest // 3)


def _parts(text: str) -> Iterator[tuple[int, str]]:
    """The last may be up to half as long again, so that none is short that belongs to a long text."""
    start = 0
    while start < len(text):
        end = len(text) if len(text) - start <= 1.5 * WINDOW else start + WINDOW
        yield start, text[start:end]
        start = end


def _ranked(parts: Sequence[tuple[int, str]]) -> list[tuple[int, str, Any]]:
    """Each part with its languages, the likeliest first. Loading what tells them takes a second."""
    identifier = _identifier()
    return [(start, text, identifier.rank(text)) for start, text in parts]


@lru_cache(1)
def _identifier() -> Any:
    try:
        from py3langid import langid
    except ImportError as error:
        raise NotRun(Missing.extra("py3langid", "guards").message.rstrip("."), "missing") from error
    return langid.LanguageIdentifier.from_model_file(langid.MODEL_FILE, norm_probs=True)
