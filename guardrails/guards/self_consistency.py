"""Self-consistency: does a model say the same when it is asked again."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from guardrails.errors import NotRun
from guardrails.grounding.judging import judged, prepared
from guardrails.grounding.saying import claiming
from guardrails.guard import Guard, Models
from guardrails.passage import Passage, Stage, Surroundings
from guardrails.verdict import Finding, Span

MOST_SAMPLES = 10
"""Other answers that are read."""


class SelfConsistency(Guard):
    """Each sentence is judged against each of the other answers to the same question; its score is the mean probability
    that one does not bear it out. (Manakul et al., 2023, "SelfCheckGPT: Zero-Resource Black-Box Hallucination
    Detection", the NLI variant.) It asks no upstream. In the gateway the other answers are the other choices of a call
    that asked for several (`n`) and does not stream; in a program whoever calls it has sampled them."""

    guard: Literal["self_consistency"] = "self_consistency"
    about: ClassVar[str] = "Sentences that other samples of the same answer do not say"
    stages: ClassVar[tuple[Stage, ...]] = ("output",)
    whole: ClassVar[bool] = True
    ask_model: bool = Field(False, description="Ask the model `groundedness` as well: about 12 ms a sentence.")

    async def judge(self, passage: Passage, around: Surroundings, models: Models) -> Finding:
        samples = [text for text in around.samples if text.strip()][:MOST_SAMPLES]
        if not samples:
            raise NotRun("no other samples of the answer were given", "idle")
        said = claiming(passage.text)
        if not said:
            raise NotRun("the answer claims nothing", "idle")
        asked = models if self.ask_model else None
        scores = [0.0] * len(said)
        for sample in samples:
            told = await judged(said, around.question, await prepared([sample]), asked)
            scores = [score + one.score / len(samples) for score, one in zip(scores, told, strict=True)]
        spans = tuple(
            Span(sentence.start, sentence.end, "inconsistent", score)
            for sentence, score in zip(said, scores, strict=True)
            if score >= self.threshold
        )
        reason = f"{len(spans)} of {len(said)} sentences are not what {len(samples)} other answers say"
        return Finding(max(scores), spans, reason)
