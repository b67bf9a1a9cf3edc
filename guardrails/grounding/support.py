"""How far a claim is borne out: what a model says of it, together with what can be counted.

A logistic regression over a dozen numbers, fitted on rows that the model was not trained on, makes of them the
probability that the claim is not borne out; so the score is calibrated as a whole. See `guardrails.training.head`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from math import exp, log
from pathlib import Path
from typing import Literal

from guardrails.grounding.alignment import NEGATIONS, Alignment, align
from guardrails.grounding.claims import SHORT
from guardrails.grounding.evidence import Context
from guardrails.grounding.literals import Known, literals, missing
from guardrails.grounding.literals import Literal as Found
from guardrails.grounding.terms import terms
from guardrails.models.manifest import artefact

Kind = Literal["words", "model"]
HERE = Path(__file__).parent
HEAD = "head.json"
CLOSE = 0.85
"""The share of words in the same order from which on a sentence that leaves its source is likely wrong there: below it
the sentence may be a paraphrase."""
FURTHEST = 6.0
"""Beyond this a logit says no more."""
SIGNS = (
    "logit",
    "short logit",
    "uncovered",
    "uncovered by one",
    "pairs apart",
    "missing numbers",
    "missing names",
    "missing quote",
    "new words",
    "exact",
    "altered",
    "negation",
    "short",
    "short apart",
    "short unasked",
    "length",
)
"""What the regression is over, in this order; `signs` says what each is."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What was counted for a sentence: `numbers` are the values of `SIGNS` but the first two, which a model gives."""

    numbers: tuple[float, ...]
    absent: tuple[Found, ...]
    alignment: Alignment


@dataclass(frozen=True)
class Source:
    """A context, made ready to be asked for many sentences."""

    context: Context
    known: Known

    @classmethod
    def of(cls, texts: Sequence[str], beside: str = "") -> Source:
        """What stands in `beside` is known to the letter, but is no evidence: a question, which an answer repeats."""
        return cls(Context.of(texts), Known.of([*texts, beside]))


def checked(question: str, sentence: str, claim: str, evidence: str, source: Source) -> Checked:
    """`claim` is as `guardrails.grounding.claims.claim` puts it, `evidence` what was chosen for it."""
    context = source.context
    said = terms(sentence)
    weights = {term: context.weight(term) for term in said}
    whole = sum(weights.values()) or 1.0
    held = terms(evidence)
    present = set(held)
    one = max((sum(weights[t] for t in set(said) & set(terms(part))) for part in evidence.split(". ")), default=0.0)
    alignment = align(sentence, evidence)
    absent = tuple(missing(sentence, source.known))
    kinds = [literal.kind for literal in absent]
    total = max(1, len(literals(sentence)))
    return Checked(
        (
            sum(weight for term, weight in weights.items() if term not in present) / whole,
            1 - one / whole,
            _apart(said, held),
            min(2.0, kinds.count("number") + kinds.count("date")),
            kinds.count("name") / total,
            float("quote" in kinds),
            sum(term not in source.known.terms for term in weights) / max(1, len(weights)),
            float(alignment.exact),
            float(alignment.followed >= CLOSE and not alignment.exact),
            float(_negations(sentence) != _negations(evidence) and _negations(sentence)),
            *_short(question, sentence, evidence, context),
            log(1 + len(said)),
        ),
        absent,
        alignment,
    )


def _apart(said: Sequence[str], held: Sequence[str]) -> float:
    """The share of the sentence's pairs of neighbouring terms that are no neighbours in the evidence."""
    pairs = set(pairwise(said))
    return len(pairs - set(pairwise(held))) / len(pairs) if pairs else 0.0


def _negations(text: str) -> bool:
    return any(word in NEGATIONS for word in text.lower().replace("n't", " not").split())


def _short(question: str, sentence: str, evidence: str, context: Context) -> tuple[float, float, float]:
    """For a short answer to a question: that it is one, whether the context does not have it as it stands, and how
    much of the question stands in no sentence that has it."""
    if not question or len(sentence) > SHORT:
        return 0.0, 0.0, 0.0
    answer = sentence.strip(" .,;:!?").lower()
    places = [at for at, text in enumerate(context.sentences) if answer in text.lower()]
    asked = {term: context.weight(term) for term in set(terms(question))}
    if not places or not asked:
        return 1.0, float(not places), 1.0
    near = max(
        sum(asked[term] for term in asked.keys() & set(terms(" ".join(context.sentences[max(0, at - 1) : at + 2]))))
        for at in places[:20]
    )
    return 1.0, 0.0, 1 - near / sum(asked.values())


@dataclass(frozen=True)
class Head:
    """A logistic regression over `SIGNS`."""

    weights: tuple[float, ...]
    bias: float

    def ungrounded(self, logit: float, numbers: Sequence[float]) -> float:
        """The probability that a claim is not borne out; `logit` is the model's for that it is."""
        total = sum(w * x for w, x in zip(self.weights, signs(logit, numbers), strict=True))
        return 1 / (1 + exp(-max(-30.0, min(30.0, total + self.bias))))


def signs(logit: float, numbers: Sequence[float]) -> tuple[float, ...]:
    bounded = max(-FURTHEST, min(FURTHEST, logit))
    short = numbers[SIGNS.index("short") - 2]
    return bounded, bounded * short, *numbers


def together(scores: Sequence[float]) -> float:
    """The probability that any of an answer's sentences is not borne out, from the probability of each at even odds.

    An answer as a whole has even odds, too, so each of many sentences starts from less: otherwise a long answer would
    be found wanting for its length."""
    if not scores:
        return 0.0
    prior = 1 - 0.5 ** (1 / len(scores))
    odds = prior / (1 - prior)
    fine = 1.0
    for score in scores:
        against = odds * score / max(1e-9, 1 - score)
        fine /= 1 + against
    return 1 - fine


@lru_cache(maxsize=2)
def head(kind: Kind) -> Head:
    """One of the two that are shipped: of words alone, or of them and the model's logit. Raises `NotRun` where they are
    missing, or not what their manifest says."""
    _, content = artefact(HERE)
    held = json.loads(content[HEAD])[kind]
    return Head(tuple(held["weights"][name] for name in SIGNS), held["bias"])
