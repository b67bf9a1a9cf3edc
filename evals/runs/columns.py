"""The results of a run as columns, of which a million fit into memory: all of them but what was asked and said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evals.classification import Labels
from evals.coded import Coded, Codes, Ints, Names, names
from evals.runs.log import Header
from evals.sample import Result, Sample, Usage

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

FAILED = "the target failed"
UNSCORED = "it was not scored"


@dataclass(frozen=True, slots=True)
class Columns:
    """Of each result, in any order. `position` is where its sample stands among those that were to be asked; what is
    not there is NaN, or a code of -1. `scores` and the `reasons` for having none are by metric. `costs` (micro-USD) are
    those of answers, which came `at` a Unix time; `used` is all that was used, for scoring too. `lines` and `asked` say
    at which byte of results.jsonl and samples.jsonl result and sample begin."""

    ids: Names
    position: Codes
    repeat: Codes
    clusters: Coded
    slices: Mapping[str, Coded]
    scores: Mapping[str, Floats]
    reasons: Mapping[str, Coded]
    errors: Coded
    seconds: Floats
    first_token: Floats
    costs: Floats
    at: Floats
    reused: Bools
    labels: Mapping[str, Labels]
    used: Usage
    lines: Ints
    asked: Ints


def of(header: Header, samples: Iterable[Sample], results: Iterable[Result]) -> Columns:
    """Of what there is so far; `lines` and `asked` are the numbers of result and sample. Results of other samples are
    left out."""
    places = {sample.id: (place, sample) for place, sample in enumerate(samples)}
    held = [(at, *places[found.sample], found) for at, found in enumerate(results) if found.sample in places]
    found = [result for *_, result in held]
    asked = [sample for _, _, sample, _ in held]
    position = np.array([place for _, place, *_ in held], dtype=np.int32)
    return Columns(
        ids=names(sample.id for sample in asked),
        position=position,
        repeat=np.array([one.repeat for one in found], dtype=np.int32),
        clusters=Coded.of(sample.cluster for sample in asked),
        slices={name: Coded.of(sample.slices.get(name) for sample in asked) for name in header.slices},
        scores={metric.name: _floats(value_of(one, metric.name) for one in found) for metric in header.metrics},
        reasons={metric.name: Coded.of(missing(one, metric.name) for one in found) for metric in header.metrics},
        errors=Coded.of(one.error for one in found),
        seconds=_floats(one.output.seconds if one.output else None for one in found),
        first_token=_floats(one.output.first_token if one.output else None for one in found),
        costs=_floats(one.output.usage.cost if one.output else None for one in found),
        at=_floats(one.at for one in found),
        reused=np.array([one.output is not None and one.output.reused for one in found], dtype=np.bool_),
        labels={
            metric.name: Labels.of([label_of(one, metric.name) for one in found])
            for metric in header.metrics
            if metric.kind == "label"
        },
        used=sum((one.output.usage for one in found if one.output), sum(map(scoring_of, found), Usage(cost=0))),
        lines=_ints(at for at, *_ in held),
        asked=position.astype(np.int64),
    )


def value_of(result: Result, metric: str) -> float | None:
    score = result.scores.get(metric)
    return None if score is None else score.value


def missing(result: Result, metric: str) -> str | None:
    """Why a result has no value for a metric; None where it has."""
    score = result.scores.get(metric)
    if score is not None and score.value is not None:
        return None
    if result.error is not None:
        return FAILED
    return score.reason if score is not None and score.reason else UNSCORED


def label_of(result: Result, metric: str) -> tuple[str | None, str | None, float | None]:
    """What was expected, what was answered, and how sure of it the target was; nothing where that was not scored."""
    score = result.scores.get(metric)
    if score is None or score.value is None:
        return None, None, None
    return score.details["expected"], score.answer, score.probability


def scoring_of(result: Result) -> Usage:
    """What its judges used."""
    return sum((score.usage for score in result.scores.values() if score.usage is not None), Usage(cost=0))


def _ints(values: Iterable[int]) -> Ints:
    return np.array(list(values), dtype=np.int64)


def _floats(values: Iterable[float | None]) -> Floats:
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
