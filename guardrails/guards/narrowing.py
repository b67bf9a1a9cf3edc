"""Which sentences of a flagged text make it one: what is taken out of a document is the attack, then, and not the page.

They are taken out from the worst on, until what is left reads as harmless. Where it never does, nobody can say which
ones they are, and all of it goes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from guardrails.grounding.sentences import Sentence, sentences

HARMLESS = 0.2
"""What is left scores below it: at even odds twice as much of attacks stayed, for one part in a hundred of pages."""
MOST = 24
"""Sentences of a text that are told apart: a text that has more goes whole."""
Rate = Callable[[Sequence[str]], Awaitable[Sequence[float]]]
"""The score of each text, from 0 to 1."""


async def narrowed(text: str, rate: Rate) -> list[Sentence]:
    """The sentences to take out of `text`, in order; those that follow each other are one, with what stands between
    them. The whole text where that is what has to go. Asks `rate` twice, about twice as many texts as it has sentences
    in all."""
    whole = [Sentence(0, len(text), text)]
    parts = sentences(text)
    if not 1 < len(parts) <= MOST:
        return whole
    scores = await rate([part.text for part in parts])
    worst = sorted(range(len(parts)), key=lambda at: -scores[at])
    rests = [_without(parts, worst[:count]) for count in range(1, len(parts))]
    for count, score in enumerate(await rate(rests), 1):
        if score < HARMLESS:
            return _joined(text, parts, sorted(worst[:count]))
    return whole


def _without(parts: Sequence[Sentence], taken: Sequence[int]) -> str:
    return " ".join(part.text for at, part in enumerate(parts) if at not in taken)


def _joined(text: str, parts: Sequence[Sentence], taken: Sequence[int]) -> list[Sentence]:
    runs: list[tuple[int, int]] = []
    for at in taken:
        first = runs.pop()[0] if runs and runs[-1][1] == at - 1 else at
        runs.append((first, at))
    ends = [(parts[first].start, parts[last].end) for first, last in runs]
    return [Sentence(start, end, text[start:end]) for start, end in ends]
