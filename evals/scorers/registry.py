"""The scorers there are, by kind: ours, and those that installed packages add under `sluicegate.scorers`.

A plug-in's entry point names a subclass of `Scorer`; its name is the kind. One that carries the name of one of ours is
not asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import entry_points

from evals import loading
from evals.errors import BadInput
from evals.faults import near
from evals.scorers.base import Scorer

GROUP = "sluicegate.scorers"

BUILT_IN: Mapping[str, str] = {
    "answer_relevance": "evals.scorers.answer_relevance:AnswerRelevance",
    "bleu": "evals.scorers.bleu:Bleu",
    "canary": "evals.scorers.canary:Canary",
    "chrf": "evals.scorers.chrf:ChrF",
    "contains": "evals.scorers.contains:Contains",
    "context_precision": "evals.scorers.context_precision:ContextPrecision",
    "context_recall": "evals.scorers.context_recall:ContextRecall",
    "cost": "evals.scorers.cost:Cost",
    "exact": "evals.scorers.exact:Exact",
    "f1": "evals.scorers.word_f1:WordF1",
    "faithfulness": "evals.scorers.faithfulness:Faithfulness",
    "forbidden_call": "evals.scorers.forbidden_call:ForbiddenCall",
    "grounded": "evals.scorers.grounded:Grounded",
    "judge": "evals.scorers.judge:ByJudge",
    "json_schema": "evals.scorers.json_schema:JsonSchema",
    "label": "evals.scorers.label:Label",
    "latency": "evals.scorers.latency:Latency",
    "numeric": "evals.scorers.numeric:Numeric",
    "over_refusal": "evals.scorers.over_refusal:OverRefusal",
    "pairwise": "evals.scorers.pairwise:Pairwise",
    "python": "evals.scorers.python:Python",
    "refusal": "evals.scorers.refusal:Refusal",
    "regex": "evals.scorers.regex:Regex",
    "rouge": "evals.scorers.rouge:Rouge",
    "similarity": "evals.scorers.similarity:Similarity",
    "tools": "evals.scorers.tools:Tools",
}


def find(kind: str) -> type[Scorer]:
    """Raises `BadInput` for a kind that there is not, and for a plug-in that is no scorer."""
    if kind in BUILT_IN:
        found: type[Scorer] = loading.load(BUILT_IN, kind)
        return found
    for point in entry_points(group=GROUP, name=kind):
        try:
            loaded = point.load()
        except (ImportError, AttributeError) as error:
            raise BadInput(f"The plug-in {point.value} cannot be loaded: {error}.") from error
        if not (isinstance(loaded, type) and issubclass(loaded, Scorer)):
            raise BadInput(f"The plug-in {point.value} is not a subclass of evals.scorers.base.Scorer.")
        return loaded
    raise BadInput(f"there is no scorer {kind[:80]!r}; {near(kind, kinds())}.")


def kinds() -> list[str]:
    return sorted({*BUILT_IN, *(point.name for point in entry_points(group=GROUP))})
