"""Groundedness: is what an answer says borne out by what the call carried."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import Field

from guardrails.errors import NotRun
from guardrails.grounding.judging import MODEL, Judged, how, judged, prepared
from guardrails.grounding.saying import claiming
from guardrails.grounding.sentences import sentences
from guardrails.grounding.support import together
from guardrails.guard import Guard, Models
from guardrails.passage import Passage, Stage, Surroundings
from guardrails.verdict import Finding, Span

UNSUPPORTED = "The documents do not bear out what you said:"
ONCE_MORE = "Answer once more, with what the documents say alone. What they do not say, say that you do not know."
EVEN = 0.5
"""From here on a sentence is marked."""


class Groundedness(Guard):
    """Each sentence that claims something is judged against the documents and what tools returned, with the system
    prompt beside them; numbers and names of the question are known, too. The score is the probability that any
    of them is not borne out. Without documents and results it does not run.

    A guard that blocks holds the whole answer back. With `by_sentence` it holds back one sentence: each is judged at
    even odds, by itself, and the score is that of the worst. Three of ten that are borne out reach 0.5 then, and one in
    twenty 0.7: set a threshold of 0.7 or higher.

    With `ask_again` a whole answer that is flagged is not what the client gets: the model is told which sentences are
    not borne out, and answers once more. The action is taken on the second answer. Both are billed."""

    guard: Literal["groundedness"] = "groundedness"
    about: ClassVar[str] = (
        "Sentences that documents and tool results do not bear out, by words and literals, or a model too"
    )
    stages: ClassVar[tuple[Stage, ...]] = ("output",)
    whole: ClassVar[bool] = True
    ask_again: bool = Field(
        False, description="Have the model answer once more, told what is not borne out, where it does not stream."
    )
    by_sentence: bool = Field(False, description="Judge each sentence by itself: of a stream one is held back at most.")
    ask_model: bool = Field(False, description="Ask the model `groundedness` as well: about 12 ms a sentence.")
    model: str = Field(
        MODEL,
        pattern=rf"^{MODEL}(@[0-9a-f]{{12,64}})?$",
        description="groundedness, or groundedness@DIGEST of an own one.",
    )

    @property
    def at_end(self) -> bool:
        return not self.by_sentence

    async def judge(self, passage: Passage, around: Surroundings, models: Models) -> Finding:
        texts = [text for text in (*around.documents, *around.results) if text.strip()]
        if not texts:
            raise NotRun("no context was given", "idle")
        said = claiming(passage.text)
        if not said:
            raise NotRun("the answer claims nothing", "idle")
        asked = models if self.ask_model else None
        source = await prepared([*texts, around.system], around.question)
        found = await judged(said, around.question, source, asked, self.model)
        scores = [one.score for one in found]
        score = max(scores) if self.by_sentence else together(scores)
        return finding(found, score, self.threshold, how(source, asked))


def correction(text: str, spans: Sequence[Span]) -> str:
    """What a model is told that is to answer once more; `spans` are what is not borne out of what it said."""
    wrong = [one.text for one in sentences(text) if any(s.start < one.end and s.end > one.start for s in spans)]
    return "\n".join((UNSUPPORTED, *(f"- {sentence}" for sentence in wrong), ONCE_MORE))


def finding(found: Sequence[Judged], score: float, threshold: float, note: str = "") -> Finding:
    """Of the sentences that were judged; spans are of those that are less likely borne out than not."""
    bad = [one for one in found if one.score >= min(threshold, EVEN)]
    spans: list[Span] = [span for one in bad for span in one.spans]
    reason = f"{len(bad)} of {len(found)} sentences are not borne out"
    return Finding(
        score,
        tuple(spans),
        f"{reason}; {note}" if note else reason,
    )
