"""From the logs of a run to evidence: what each sample came to, for a gate to judge."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from evals.errors import BadInput
from evals.evidence import Contamination, EvalEvidence, Item, JudgeFacts
from evals.runs.log import Header
from evals.runs.table import RunTable
from evals.sample import Json


def of_logs(candidate: Path, baseline: Path | None = None) -> EvalEvidence:
    """Of repeats the mean. A metric that one repeat of a sample lacks is left out of its item, which makes a gate on it
    invalid. Beside the metrics of the suite there are `seconds`, `cost` (micro-USD) and `failed`. What is no release is
    named by the digest of its target. Raises `BadInput` where the logs are not of the same suite."""
    table = RunTable.read(candidate)
    other = RunTable.read(baseline) if baseline is not None else None
    if other is not None and other.header.suite_digest != table.header.suite_digest:
        raise BadInput(f"{candidate} and {baseline} are runs of different suites: they cannot be compared.")
    before = _values(other) if other is not None else None
    items = tuple(
        Item(
            id=sample,
            candidate=values,
            baseline=before[sample] if before is not None else None,
            cluster=cluster,
            slices=slices,
        )
        for (sample, values), cluster, slices in zip(
            _values(table).items(), table.rows.clusters.at(table.first).texts(), _slices(table), strict=True
        )
        if before is None or sample in before
    )
    return _evidence(table, other, items)


def _evidence(table: RunTable, against: RunTable | None, items: tuple[Item, ...]) -> EvalEvidence:
    """As old as its oldest answer: one that was kept is no younger for being scored anew."""
    header, other = table.header, against.header if against is not None else None
    arms = [table] if against is None else [table, against]
    came = [float(arm.rows.at.min()) for arm in arms if len(arm.rows.at)]
    return EvalEvidence(
        release=header.release or header.target_digest,
        baseline=(other.release or other.target_digest) if other is not None else None,
        suite=header.suite_digest,
        name=header.suite[:200],
        dataset=header.dataset_digest,
        lower=tuple(metric.name for metric in header.metrics if metric.lower),
        made=min(came, default=header.started) or header.started,
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
    grading, moved = card.get("grading"), card.get("moved") is not None
    if grading is None:
        return {"counts": card.get("counts"), "moved": moved}
    return {"grading": {"n": grading["n"], "alpha": grading["alpha"]["value"]}, "moved": moved}


def _cost(header: Header, other: Header | None) -> int | None:
    costs = [header.cost, *([other.cost] if other is not None else [])]
    known = [cost for cost in costs if cost is not None]
    return sum(known) if len(known) == len(costs) else None


def _values(table: RunTable) -> dict[str, dict[str, float]]:
    """Of each sample, as they were to be asked, what all its repeats have."""
    rows = table.rows
    failed = rows.errors.codes >= 0
    columns = {"failed": failed.astype(np.float64), "seconds": rows.seconds, "cost": rows.costs, **rows.scores}
    wholes = {name: table.whole(values).tolist() for name, values in columns.items()}
    return {
        sample: {name: values[at] for name, values in wholes.items() if not math.isnan(values[at])}
        for at, sample in enumerate(table.ids.tolist())
    }


def _slices(table: RunTable) -> Iterator[dict[str, str]]:
    texts = {name: coded.texts() for name, coded in table.slices.items()}
    for at in range(len(table.ids)):
        yield {name: text for name, of in texts.items() if (text := of[at]) is not None}
