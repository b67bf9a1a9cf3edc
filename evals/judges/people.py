"""What people would say of a whole run, from what they say of some of its answers and a judge of all (PPI++;
`evals.statistics.prediction_powered`). However the judge errs, on this run's answers as on no other's, the estimate is
people's: this is how grades, preferences and claims are corrected, which calibration does not do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

import msgspec

from evals.errors import BadInput
from evals.runs.log import read_header, read_results, read_samples
from evals.sample import Sample
from evals.statistics import intervals, prediction_powered
from evals.statistics.intervals import Interval
from evals.statistics.prediction_powered import Powered

LEAST = 30
"""Answers that people have to have judged, in clusters of their own."""


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """One answer of a run. `value` is what people call it, from 0 to 1, or true and false; null until they did."""

    sample: str
    input: str
    output: str
    value: float | bool | None = None
    repeat: int = 0
    expected: object = None
    documents: tuple[str, ...] = ()


class Estimate(msgspec.Struct, frozen=True):
    """With an interval of 95 %."""

    value: float
    low: float | None
    high: float | None
    n: int


class Found(msgspec.Struct, frozen=True):
    """The mean by the `judge` alone, of all answers that it judged; by `people` alone, of those they did; and
    `together`, as people would have it. The judge counts for `weight`, and is `worth` so many labels with people's
    own."""

    metric: str
    judge: Estimate
    people: Estimate
    together: Estimate
    weight: float
    worth: float | None


class Judged(msgspec.Struct, frozen=True):
    """What the judge made of an answer, and of which cluster it is."""

    value: float
    cluster: str


def drawn(folder: Path, metric: str, count: int, seed: int = 0) -> Iterator[Answer]:
    """At least so many answers of a run for people to judge, drawn by lot among those that the judge did; whole
    clusters. Raises `BadInput`."""
    judged = _judged(folder, metric)
    clusters: defaultdict[str, list[tuple[str, int]]] = defaultdict(list)
    for key, one in judged.items():
        clusters[one.cluster].append(key)
    names = sorted(clusters)
    Random(seed).shuffle(names)  # noqa: S311 - to be the same everywhere
    chosen: set[tuple[str, int]] = set()
    for name in names:
        if len(chosen) >= count:
            break
        chosen.update(clusters[name])
    samples = _samples(folder)
    for result in read_results(folder):
        if (result.sample, result.repeat) in chosen and result.output is not None:
            held = samples[result.sample]
            yield Answer(
                result.sample, held.question, result.output.text, None, result.repeat, held.expected, held.documents
            )


def estimate(folder: Path, metric: str, labels: Path) -> Found:
    """Raises `BadInput` with the line of a label that is none of this run, and where there are too few."""
    judged = _judged(folder, metric)
    said = _read(labels, judged)
    others = {key: one for key, one in judged.items() if key not in said}
    mine = {judged[key].cluster for key in said}
    if split := mine & {one.cluster for one in others.values()}:
        raise BadInput(f"of {min(split)!r} some answers have a value and some have not: a cluster has all or none.")
    if len(mine) < LEAST:
        raise BadInput(f"People have judged answers of {len(mine)} samples or clusters: it takes {LEAST}.")
    if not others:
        raise BadInput("People have judged every answer: their mean is what there is to know.")
    clusters = [judged[key].cluster for key in said]
    labelled = prediction_powered.Labelled(list(said.values()), [judged[key].value for key in said], clusters)
    of_others = [one.cluster for one in others.values()]
    found = prediction_powered.mean(labelled, [one.value for one in others.values()], of_others)
    everyone = list(judged.values())
    return Found(
        metric=metric,
        judge=_of(intervals.mean([one.value for one in everyone], [one.cluster for one in everyone])),
        people=_of(intervals.mean(list(said.values()), clusters)),
        together=_of(found),
        weight=found.weight,
        worth=found.worth if found.worth < float("inf") else None,
    )


def _of(found: Interval | Powered) -> Estimate:
    n = found.n if isinstance(found, Interval) else found.labels
    known = found.high - found.low < float("inf")
    return Estimate(found.estimate, found.low if known else None, found.high if known else None, n)


def _judged(folder: Path, metric: str) -> dict[tuple[str, int], Judged]:
    header, samples = read_header(folder), _samples(folder)
    if metric not in {one.name for one in header.metrics}:
        raise BadInput(f"The run has no metric {metric!r}; it has {', '.join(one.name for one in header.metrics)}.")
    return {
        (one.sample, one.repeat): Judged(score.value, samples[one.sample].cluster or f"sample:{one.sample}")
        for one in read_results(folder)
        if (score := one.scores.get(metric)) is not None and score.value is not None
    }


def _samples(folder: Path) -> dict[str, Sample]:
    return {sample.id: sample for sample in read_samples(folder)}


def _read(path: Path, judged: dict[tuple[str, int], Judged]) -> dict[tuple[str, int], float]:
    found: dict[tuple[str, int], float] = {}
    for number, one in _lines(path):
        key = (one.sample, one.repeat)
        if one.value is None:
            continue
        if key not in judged or key in found:
            why = "is there twice" if key in found else "has no score of the judge in this run"
            raise BadInput(f"the sample {one.sample!r} {why}.", file=str(path), line=number)
        if not 0 <= one.value <= 1:
            raise BadInput(f"value is {one.value:g}, and goes from 0 to 1.", file=str(path), line=number)
        found[key] = float(one.value)
    return found


def _lines(path: Path) -> Iterator[tuple[int, Answer]]:
    try:
        texts: Sequence[bytes] = path.read_bytes().splitlines()
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}.", file=str(path)) from error
    for number, text in enumerate(texts, 1):
        if text.strip():
            try:
                yield number, msgspec.json.decode(text, type=Answer)
            except msgspec.DecodeError as error:
                raise BadInput(f"no judged answer: {error}.", file=str(path), line=number) from error
