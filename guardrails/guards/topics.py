"""Topics that a policy names by a handful of examples: embeddings, and a small head that is fitted to them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar, Literal

from pydantic import Field, PrivateAttr

from guardrails.guard import Guard, Models, Part, labelled
from guardrails.guards.topic_head import Head, fitted
from guardrails.passage import Passage, Stage, Surroundings
from guardrails.stream import Segments
from guardrails.verdict import Finding, Span

Example = Annotated[str, Field(min_length=1, max_length=2000)]
AT_ONCE = 64
"""Segments that are embedded at once."""
ORDINARY = (
    "Good morning, how are you?",
    "Can you help me with my homework?",
    "What will the weather be like tomorrow?",
    "Please translate this sentence into French.",
    "Write a short thank-you note to my neighbour.",
    "How do I reset my password?",
    "The meeting was moved to Thursday at ten.",
    "Here is a recipe for pancakes with apples.",
    "Summarise the text below in three sentences.",
    "Which train goes from the airport to the city centre?",
    "Fix the bug in this function and explain what was wrong.",
    "Tell me a joke about cats.",
    "What is the capital of Australia?",
    "Your parcel will arrive between nine and eleven.",
    "I would like to cancel my subscription.",
    "Explain photosynthesis to a ten-year-old.",
    "The results are shown in the table on the next page.",
    "Let's plan a weekend trip to the mountains.",
    "Compare these two phones for me.",
    "Thanks, that solved my problem.",
    "Who wrote this novel, and when?",
    "The invoice is attached to this mail.",
    "Sort this list by date and remove the duplicates.",
    "My favourite sport is swimming.",
)
"""What stands against the examples where a topic has no others."""


class Topic(Part):
    """`examples` are of the topic; `counter` are near it and not of it."""

    examples: tuple[Example, ...] = Field(min_length=3, max_length=200)
    counter: tuple[Example, ...] = Field((), max_length=200)


class Topics(Guard):
    """The score is the probability that a segment of the text is of any of the topics, the highest of all segments.
    The head of each topic is fitted when it is first asked, and calibrated on examples that were left out in turn."""

    guard: Literal["topics"] = "topics"
    topics: Mapping[str, Topic] = Field(min_length=1, max_length=32, description="By name: {examples, counter}.")
    about: ClassVar[str] = "Topics and brands, named by a handful of examples each"
    stages: ClassVar[tuple[Stage, ...]] = ("input", "documents", "output")
    models: ClassVar[tuple[str, ...]] = ("prompts",)
    _heads: Mapping[str, Head] | None = PrivateAttr(None)

    async def judge(self, passage: Passage, around: Surroundings, models: Models) -> Finding:
        if self._heads is None:
            self._heads = await self.heads(models)
        segments = Segments()
        parts = [part for part in [*segments.feed(passage.text), *segments.end()] if part[1].strip()]
        best = dict.fromkeys(self.topics, 0.0)
        spans = []
        for first in range(0, len(parts), AT_ONCE):
            batch = parts[first : first + AT_ONCE]
            vectors = await models.embed([text for _, text in batch])
            for name, head in self._heads.items():
                for (start, text), score in zip(batch, head.chances(vectors), strict=True):
                    best[name] = max(best[name], score)
                    if score >= self.threshold:
                        spans.append(Span(start, start + len(text), name, score))
        labels = labelled({name: round(score, 4) for name, score in best.items()})
        found = Finding.of(spans)
        return Finding(labels[0][1], found.spans, found.reason, labels)

    async def heads(self, models: Models) -> dict[str, Head]:
        """One of each topic. What is of no topic that is named is not of this one either: the others' examples stand
        against it."""
        texts = list(dict.fromkeys([*ORDINARY, *(text for one in self.topics.values() for text in all_of(one))]))
        vectors = await models.embed(texts)
        row = {text: number for number, text in enumerate(texts)}
        made = {}
        for name, topic in self.topics.items():
            of, others = set(topic.examples), [one for key, one in self.topics.items() if key != name]
            against = [*topic.counter, *ORDINARY, *(text for one in others for text in one.examples)]
            positive = vectors[[row[text] for text in topic.examples]]
            negative = vectors[[row[text] for text in dict.fromkeys(against) if text not in of]]
            made[name] = await asyncio.to_thread(fitted, positive, negative)
        return made


def all_of(topic: Topic) -> Sequence[str]:
    return (*topic.examples, *topic.counter)
