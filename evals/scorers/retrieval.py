"""What was looked up for an answer, and which of it was to be: by the ids of documents, or by their texts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from evals.sample import Output, Sample, Score, text_of
from evals.scorers.base import Scorer, plain
from evals.scorers.words import words


@dataclass(frozen=True, slots=True)
class Found:
    """`hits` says of each document that was looked up, best first, whether it was to be; `recalled` of each that was to
    be, whether it was."""

    hits: tuple[bool, ...]
    recalled: tuple[bool, ...]


class Retrieving(Scorer):
    """`retrieved` and `relevant` name columns of the dataset, with the ids of what was looked up, best first, and of
    what should have been. Where there are no such ids, texts are compared: what tools returned, else the sample's
    documents, with the texts in the column `relevant`; one holds another from the part `least` of its words on."""

    retrieved: str = "retrieved"
    relevant: str = "relevant"
    least: Annotated[float, Field(gt=0, le=1)] = 0.8

    def applies(self, sample: Sample) -> bool:
        return bool(_texts(sample.metadata.get(self.relevant)))

    def found(self, sample: Sample, output: Output) -> Found | Score:
        """Or the score, where there is nothing to be found."""
        relevant = _texts(sample.metadata.get(self.relevant))
        if not relevant:
            return Score(None, f"the sample has nothing in the column {self.relevant!r}")
        if self.retrieved in sample.metadata:
            ids = list(dict.fromkeys(_texts(sample.metadata[self.retrieved])))
            return Found(tuple(one in relevant for one in ids), tuple(one in ids for one in relevant))
        looked_up = [text_of(message) for message in output.messages if message.get("role") == "tool"]
        texts = looked_up or list(sample.documents)
        held = [[_holds(text, one, self.least) for one in relevant] for text in texts]
        recalled = tuple(any(row[at] for row in held) for at in range(len(relevant)))
        return Found(tuple(any(row) for row in held), recalled)


def _holds(text: str, wanted: str, least: float) -> bool:
    said = set(words(wanted))
    return len(said & set(words(text))) >= least * len(said)


def _texts(value: Any) -> list[str]:
    """Each once, in order."""
    held = value if isinstance(value, list | tuple) else [value]
    return list(dict.fromkeys(plain(one) for one in held if one is not None and one != ""))
