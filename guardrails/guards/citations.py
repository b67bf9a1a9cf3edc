# ruff: noqa: RUF001 - dashes as people write them
"""Citations: does the passage that a sentence cites say what the sentence says."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from pydantic import Field

from guardrails.errors import NotRun
from guardrails.grounding.judging import judged, prepared
from guardrails.grounding.saying import claiming
from guardrails.grounding.sentences import Sentence
from guardrails.guard import Guard, Models
from guardrails.linear import Pattern
from guardrails.passage import Passage, Stage, Surroundings
from guardrails.verdict import Finding, Span

_MARK = Pattern(
    r"\[\^?(?:doc(?:ument)?|source|ref|passage|quelle)?[ :#]{0,2}(\d{1,3}(?:[ ]?[,;–-][ ]?\d{1,3}){0,9})\]"
    r"|【(\d{1,3})[^】\n]{0,40}】"
    r"|\((?:doc(?:ument)?|source|passage|quelle)[ :#]{0,2}(\d{1,3})\)",
    ignore_case=True,
)
_NUMBER = Pattern(r"(\d{1,3})(?:[ ]?[–-][ ]?(\d{1,3}))?")


@dataclass(frozen=True, slots=True)
class Cited:
    """A sentence without its marks' words, the marks' characters in the answer, and the documents they name, from 1."""

    sentence: Sentence
    mark: tuple[int, int]
    documents: tuple[int, ...]


class Citations(Guard):
    """Reads `[1]`, `[1, 3]`, `[2-4]`, `[doc:2]`, `[^1]`, `(source 2)` and `【1】`. Documents count from 1, in the order
    in which the call carried them, what tools returned after them. A sentence may stand on any of the passages it
    cites; one that cites a document there is not is found for certain."""

    guard: Literal["citations"] = "citations"
    about: ClassVar[str] = (
        "Sentences whose cited passage does not say what they say, and citations of documents there are not"
    )
    stages: ClassVar[tuple[Stage, ...]] = ("output",)
    whole: ClassVar[bool] = True
    ask_model: bool = Field(False, description="Ask the model `groundedness` as well: about 12 ms a sentence.")

    async def judge(self, passage: Passage, around: Surroundings, models: Models) -> Finding:
        documents = (*around.documents, *around.results)
        if not any(text.strip() for text in documents):
            raise NotRun("no context was given", "idle")
        found = cited(passage.text)
        if not found:
            raise NotRun("the answer cites nothing", "idle")
        asked = models if self.ask_model else None
        spans = [Span(*one.mark, "no such document") for one in found if not self._there(one, documents)]
        held = [one for one in found if self._there(one, documents)]
        scores = [1.0 for _ in spans]
        for chosen in sorted({one.documents for one in held}):
            source = await prepared([documents[at - 1] for at in chosen if 1 <= at <= len(documents)], around.question)
            said = [one for one in held if one.documents == chosen]
            for one, told in zip(
                said, await judged([x.sentence for x in said], around.question, source, asked), strict=True
            ):
                scores.append(told.score)
                if told.score >= self.threshold:
                    spans.append(Span(one.sentence.start, one.mark[1], "not in the cited passage", told.score))
        reason = f"{len(spans)} of {len(found)} citations do not hold"
        return Finding(max(scores), tuple(sorted(spans, key=lambda span: (span.start, span.end))), reason)

    @staticmethod
    def _there(one: Cited, documents: Sequence[str]) -> bool:
        return any(1 <= at <= len(documents) and documents[at - 1].strip() for at in one.documents)


def cited(text: str) -> list[Cited]:
    """The sentences that cite something, with what they cite. Marks that follow a sentence's end belong to it."""
    marks = [(match.span(), _numbers(match.group())) for match in _MARK.finditer(text)]
    plain = _blanked(text, [span for span, _ in marks])
    said = claiming(plain)
    ends = [*(sentence.start for sentence in said[1:]), len(text)][: len(said)]
    left = deque(marks)
    found = []
    for sentence, until in zip(said, ends, strict=True):
        own = []
        while left and left[0][0][0] < until:
            span, numbers = left.popleft()
            if sentence.start <= span[0] and not plain[sentence.end : span[0]].strip(" .;,\n"):
                own.append((span, numbers))
        if own:
            documents = tuple(sorted({number for _, numbers in own for number in numbers}))
            found.append(Cited(sentence, (own[0][0][0], own[-1][0][1]), documents))
    return found


def _numbers(mark: str) -> tuple[int, ...]:
    found: list[int] = []
    for match in _NUMBER.finditer(mark):
        first, last = int(match.group(1) or 0), int(match.group(2) or match.group(1) or 0)
        found += range(first, min(last, first + 20) + 1)
    return tuple(found)


def _blanked(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """The text with spaces in place of marks: as long as before."""
    parts, at = [], 0
    for start, end in spans:
        parts += [text[at:start], " " * (end - start)]
        at = end
    return "".join((*parts, text[at:]))
