"""From the logs of a run to evidence: what each sample came to, for a gate to judge."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from evals.errors import BadInput
from evals.evidence import Contamination, EvalEvidence, Item, JudgeFacts
from evals.runs.log import Header, read_header, read_results, read_samples
from evals.sample import Json, Result

Values = dict[str, list[float | None]]


def of_logs(candidate: Path, baseline: Path | None = None) -> EvalEvidence:
    """Of repeats the mean. A metric that one repeat of a sample lacks is left out of its item, which makes a gate on it
    invalid. Beside the metrics of the suite there are `seconds`, `cost` (micro-USD) and `failed`. What is no release is
    named by the digest of its target. Raises `BadInput` where the logs are not of the same suite."""
    header = read_header(candidate)
    other = read_header(baseline) if baseline is not None else None
    if other is not None and other.suite_digest != header.suite_digest:
        raise BadInput(f"{candidate} and {baseline} are runs of different suites: they cannot be compared.")
    found = _values(candidate, header.repeats)
    before = _values(baseline, header.repeats) if baseline is not None else {}
    items = tuple(
        Item(
            id=sample.id,
            candidate=found[sample.id],
            baseline=before.get(sample.id) if baseline is not None else None,
            cluster=sample.cluster,
            slices=dict(sample.slices),
        )
        for sample in read_samples(candidate)
        if sample.id in found and (baseline is None or sample.id in before)
    )
    return _evidence(header, other, items)


def _evidence(header: Header, other: Header | None, items: tuple[Item, ...]) -> EvalEvidence:
    return EvalEvidence(
        release=header.release or header.target_digest,
        baseline=(other.release or other.target_digest) if other is not None else None,
        suite=header.suite_digest,
        dataset=header.dataset_digest,
        made=header.ended or header.started,
        repeats=header.repeats,
        seeds=(header.seed,),
        samples=header.samples,
        looks=header.looks,
        reused=header.reused + (other.reused if other is not None else 0),
        judges=_judges(header),
        contamination=Contamination.model_validate(header.contamination) if header.contamination is not None else None,
        cost=_cost(header, other),
        items=items,
    )


def _judges(header: Header) -> tuple[JudgeFacts, ...]:
    """Those that a metric rests on."""
    found = []
    for name, judge in header.judges.items():
        metrics = tuple(metric.name for metric in header.metrics if metric.judge == name)
        if metrics:
            facts = {"digest": judge.digest, "metrics": metrics, "least": judge.least, **_quality(judge.calibration)}
            found.append(JudgeFacts.model_validate({**facts, "family": judge.family, "judged": header.family}))
    return tuple(found)


def _quality(card: Json | None) -> Json:
    """What a card tells: of grades how they agree, else how often yes and no were right."""
    if card is None:
        return {}
    grading = card.get("grading")
    if grading is None:
        return {"counts": card.get("counts")}
    return {"grading": {"n": grading["n"], "alpha": grading["alpha"]["value"]}}


def _cost(header: Header, other: Header | None) -> int | None:
    costs = [header.cost, *([other.cost] if other is not None else [])]
    known = [cost for cost in costs if cost is not None]
    return sum(known) if len(known) == len(costs) else None


def _values(folder: Path, repeats: int) -> dict[str, dict[str, float]]:
    samples: dict[str, Values] = defaultdict(lambda: defaultdict(list))
    for result in read_results(folder):
        for name, value in _of(result).items():
            samples[result.sample][name].append(value)
    return {
        sample: {name: _mean(given) for name, given in values.items() if None not in given and len(given) == repeats}
        for sample, values in samples.items()
    }


def _mean(values: list[float | None]) -> float:
    return sum(value for value in values if value is not None) / len(values)


def _of(result: Result) -> dict[str, float | None]:
    if result.output is None:
        return {"failed": 1.0}
    cost = result.output.usage.cost
    return {
        "failed": 0.0,
        "seconds": result.output.seconds,
        "cost": None if cost is None else float(cost),
        **{name: score.value for name, score in result.scores.items()},
    }
