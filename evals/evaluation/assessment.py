"""An evaluation as a whole: a plan, its runs and what was measured elsewhere, and what comes of them.

A pure function of these and the time; nothing that somebody writes decides beside them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from evals.evaluation.bias import bias
from evals.evaluation.business import business
from evals.evaluation.findings import Disparities, Finding, OfFolds
from evals.evaluation.generalisation import gap, over_folds
from evals.evaluation.integrity import gates, one_candidate, sealed
from evals.evaluation.measurements import Measurements
from evals.evaluation.plan import Plan
from evals.evaluation.recommendation import Recommendation, recommend
from evals.evaluation.runs import Ran, Standard
from evals.evaluation.seal import Seal
from evals.evaluation.technical import technical
from evals.gate import UNITS


class Planned(msgspec.Struct, frozen=True):
    """What the report says of the plan."""

    name: str
    question: str
    about: str
    owners: tuple[str, ...]
    digest: str
    alpha: float
    max_age: str


class RunTold(msgspec.Struct, frozen=True):
    """`cost` is in micro-USD, None where prices are not known. Times are Unix times."""

    name: str
    suite: str
    suite_digest: str
    dataset_digest: str
    candidate: str
    baseline: str | None
    samples: int
    asked: int
    failed: int
    cost: int | None
    started: float
    evidence: str


class Assessment(msgspec.Struct, frozen=True):
    """`at` is when it was worked out, and `version` by which version of this library. `measurements` is the digest of
    what was measured elsewhere."""

    plan: Planned
    recommendation: Recommendation
    technical: tuple[Finding, ...]
    business: tuple[Finding, ...]
    generalisation: tuple[Finding, ...]
    folds: tuple[OfFolds, ...]
    bias: tuple[Disparities, ...]
    gates: tuple[Finding, ...]
    integrity: tuple[Finding, ...]
    runs: tuple[RunTold, ...]
    measurements: str | None
    at: float
    version: str

    @property
    def findings(self) -> Iterable[Finding]:
        return (
            *self.integrity,
            *self.gates,
            *self.technical,
            *self.business,
            *self.generalisation,
            *self.folds,
            *self.bias,
        )


class Given(msgspec.Struct, frozen=True):
    """What an assessment is made of, beside the plan."""

    runs: Mapping[str, Ran]
    measurements: Measurements | None
    seals: tuple[Seal, ...]
    now: float
    version: str


def assess(plan: Plan, given: Given) -> Assessment:
    """Each bound has half of the plan's `alpha`, as that of the first run of a release at a gate has."""
    file, runs = plan.file, dict(given.runs)
    standard = Standard(file.alpha / 2, file.max_age, given.now)
    of_folds = {name for one in file.folds for name in one.runs}
    technicals = tuple(technical(one, runs[one.run], standard) for one in file.technical)
    businesses = tuple(business(one, runs, given.measurements, standard) for one in file.business)
    gaps = tuple(gap(one, runs, standard) for one in file.generalisation)
    crossed = tuple(over_folds(one, runs, standard) for one in file.folds)
    disparities = tuple(bias(file.bias, runs, standard))
    judged = tuple(gates(plan, runs))
    rests_on = (one_candidate(runs, of_folds), sealed(plan, given.seals, runs))
    findings = (*rests_on, *judged, *technicals, *businesses, *gaps, *crossed, *disparities)
    return Assessment(
        plan=_planned(plan),
        recommendation=recommend(findings, _valid_until(plan, runs)),
        technical=technicals,
        business=businesses,
        generalisation=gaps,
        folds=crossed,
        bias=disparities,
        gates=judged,
        integrity=rests_on,
        runs=tuple(_told(ran) for ran in runs.values()),
        measurements=given.measurements.digest if given.measurements is not None else None,
        at=given.now,
        version=given.version,
    )


def _planned(plan: Plan) -> Planned:
    file = plan.file
    return Planned(file.evaluation, file.question, file.about, file.owners, plan.digest, file.alpha, file.max_age)


def _valid_until(plan: Plan, runs: Mapping[str, Ran]) -> float:
    age = plan.file.max_age
    return min(ran.evidence.made for ran in runs.values()) + int(age[:-1]) * UNITS[age[-1]]


def _told(ran: Ran) -> RunTold:
    header, evidence = ran.header, ran.evidence
    return RunTold(
        name=ran.name,
        suite=header.suite,
        suite_digest=header.suite_digest,
        dataset_digest=header.dataset_digest,
        candidate=evidence.release,
        baseline=evidence.baseline,
        samples=header.samples,
        asked=header.asked,
        failed=header.failed,
        cost=evidence.cost,
        started=header.started,
        evidence=ran.fingerprint,
    )
