"""Plans and runs made for a test: a plan from a few lines, a run from what each item came to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from evals.evaluation.plan import Plan, read
from evals.evaluation.runs import Ran, Standard
from evals.evidence import EvalEvidence
from evals.runs.log import Header, MetricHeader
from evals.sample import Json

SUITE = "a" * 64
RELEASE = "b" * 64
NOW = 2_000_000_000.0
STANDARD = Standard(alpha=0.025, max_age="30d", now=NOW)
LEAST: dict[str, Any] = {
    "evaluation": "sums",
    "question": "Is it good enough?",
    "runs": {"holdout": {"suite": SUITE}},
    "technical": [{"metric": "exact", "at_least": 0.5}],
    "business": [{"name": "solved", "sum": {"exact": 1}, "at_least": 0.5}],
}


def plan_of(folder: Path, **keys: Any) -> Plan:
    path = folder / "evaluation.yaml"
    path.write_text(yaml.safe_dump({**LEAST, **keys}, sort_keys=False))
    return read(path)


def ran(
    values: Mapping[str, Sequence[float]],
    *,
    name: str = "holdout",
    baseline: Mapping[str, Sequence[float]] | None = None,
    slices: Sequence[Mapping[str, str]] = (),
    clusters: Sequence[str] = (),
    ids: Sequence[str] = (),
    lower: Sequence[str] = (),
    gate: Json | None = None,
    **evidence: Any,
) -> Ran:
    """A run whose items came to `values`, by metric."""
    count = len(next(iter(values.values())))
    items = [
        {
            "id": ids[at] if ids else f"{name}-{at}",
            "candidate": {metric: found[at] for metric, found in values.items()},
            "baseline": {metric: found[at] for metric, found in baseline.items()} if baseline is not None else None,
            "cluster": clusters[at] if clusters else None,
            "slices": dict(slices[at]) if slices else {},
        }
        for at in range(count)
    ]
    held = {
        "release": RELEASE,
        "baseline": "c" * 64 if baseline is not None else None,
        "suite": SUITE,
        "dataset": "d" * 64,
        "made": NOW - 60,
        "samples": count,
        "items": items,
        **evidence,
    }
    header = Header(
        id="1",
        suite="sums",
        suite_digest=SUITE,
        dataset_digest="d" * 64,
        target={},
        target_digest="e" * 64,
        metrics=tuple(MetricHeader(metric, metric, "", metric in lower) for metric in values),
        repeats=1,
        seed=0,
        samples=count,
        started=NOW - 120,
        version="0",
    )
    return Ran(name, Path(), header, EvalEvidence.model_validate(held), gate)


def rights(right: int, of: int) -> list[float]:
    """So many 1 of so many, spread evenly."""
    return [float((at + 1) * right // of > at * right // of) for at in range(of)]
