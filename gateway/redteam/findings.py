"""What a campaign came to: rates with intervals, what stopped the attacks, and how the endpoint was broken."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from evals.runs.log import read_header, read_results, read_samples
from evals.runs.table import RunTable
from evals.sample import Json, Output, Sample, text_of
from evals.summaries import Mean, summarise
from gateway.redteam.campaign import ADAPTIVE, ATTACKS, CONTROLS, Ran, logs
from gateway.redteam.scorers import OUTCOMES

MOST_SHOWN = 60
"""Attempts that are quoted in a report."""
FAILED = "failed"


class Rate(msgspec.Struct, frozen=True):
    """Of `answered` attempts, made of `seeds`, the share that succeeded, or for controls that was stopped; `low` and
    `high` hold the truth with 95 %, clustered by seed, and are None where too little is known. `failed` attempts have
    no answer and are no part of it."""

    value: float | None
    low: float | None
    high: float | None
    answered: int
    seeds: int
    failed: int
    outcomes: Mapping[str, int]


class Shown(msgspec.Struct, frozen=True):
    """An attempt that succeeded, or a control that was stopped: how that is seen, what was asked and answered, and
    which guards did something."""

    id: str
    how: str
    asked: tuple[Json, ...]
    answered: tuple[Json, ...]
    guards: tuple[str, ...]


class Findings(msgspec.Struct, frozen=True):
    """`attacks`, `classes`, `families` and `languages` are of the planned attempts alone. `adaptive` counts those that
    followed what worked: they were chosen for it, and no rate is made of them. `broken` quotes planned attempts that
    succeeded, `followed` those that followed, `stopped` controls. `whole` says whether all was asked and answered."""

    target: Json
    release: str | None
    seed: int
    version: str
    suite: str
    controls_suite: str | None
    whole: bool
    attacks: Rate
    classes: Mapping[str, Rate]
    families: Mapping[str, Rate]
    languages: Mapping[str, Rate]
    controls: Rate | None
    control_families: Mapping[str, Rate]
    adaptive: Mapping[str, int]
    broken: tuple[Shown, ...]
    followed: tuple[Shown, ...]
    stopped: tuple[Shown, ...]


def found(folder: Path, ran: Ran) -> Findings:
    """Read from the logs in the folder of a campaign. Raises `BadInput` where they cannot be read."""
    (attacks,) = logs(folder, ATTACKS)
    controls, adaptive = logs(folder, CONTROLS), logs(folder, ADAPTIVE)
    planned = _Log(attacks)
    harmless = _Log(controls[0]) if controls else None
    header = planned.header
    return Findings(
        target={name: value for name, value in header.target.items() if name != "turns"},
        release=header.release,
        seed=header.seed,
        version=header.version,
        suite=header.suite_digest,
        controls_suite=harmless.header.suite_digest if harmless else None,
        whole=ran.whole,
        attacks=planned.rate(),
        classes=planned.rates("attack"),
        families=planned.rates("family"),
        languages=planned.rates("language"),
        controls=harmless.rate() if harmless else None,
        control_families=harmless.rates("family") if harmless else {},
        adaptive=sum((_counted(log)["all", ""] for log in adaptive), Counter()),
        broken=_shown([attacks], "attack_success"),
        followed=_shown(adaptive, "attack_success"),
        stopped=_shown(controls, "over_blocked"),
    )


class _Log:
    """One log, summed up."""

    def __init__(self, folder: Path) -> None:
        self.header = read_header(folder)
        self._summary, self._counts = summarise(RunTable.read(folder)), _counted(folder)

    def rate(self) -> Rate:
        return self._rate(self._summary.metrics, ("all", ""))

    def rates(self, part: str) -> dict[str, Rate]:
        """Of each value of a slice; the highest first."""
        means = self._summary.slices.get(part, {})
        found = {value: self._rate(of, (part, value)) for value, of in means.items()}
        return dict(sorted(found.items(), key=lambda one: (-(one[1].value or 0.0), one[0])))

    def _rate(self, means: Mapping[str, Mean], part: tuple[str, str]) -> Rate:
        mean, counts = means[self.header.metrics[0].name], self._counts[part]
        outcomes: dict[str, int] = {outcome: counts[outcome] for outcome in OUTCOMES}
        return Rate(mean.value, mean.low, mean.high, mean.n, mean.clusters, counts[FAILED], outcomes)


def _counted(log: Path) -> Mapping[tuple[str, str], Counter[str]]:
    """Outcomes, by slice and its value; of `all` attempts under that name."""
    slices = {sample.id: sample.slices for sample in read_samples(log)}
    held: Mapping[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for result in read_results(log):
        details = next((score.details for score in result.scores.values()), {})
        outcome = details.get("outcome", FAILED)
        for part in (("all", ""), *slices.get(result.sample, {}).items()):
            held[part][outcome] += 1
    return held


def _shown(folders: Sequence[Path], metric: str) -> tuple[Shown, ...]:
    """Those with a score of 1; of each seed one before any second."""
    held: list[tuple[str, Shown]] = []
    for log in folders:
        samples = {sample.id: sample for sample in read_samples(log)}
        for result in read_results(log):
            score = result.scores.get(metric)
            if score is not None and score.value == 1 and result.output is not None and result.sample in samples:
                sample = samples[result.sample]
                held.append((sample.cluster or sample.id, _one(sample, result.output, score.reason)))
    before: Counter[str] = Counter()
    ranked = []
    for cluster, shown in sorted(held, key=lambda one: one[1].id):
        ranked.append((before[cluster], shown))
        before[cluster] += 1
    return tuple(shown for _, shown in sorted(ranked, key=lambda one: (one[0], one[1].id))[:MOST_SHOWN])


def _one(sample: Sample, output: Output, how: str) -> Shown:
    acted = {f"{one.get('guard')} {one.get('action')}" for one in output.guards if one.get("action") != "allow"}
    said = {name: str(text) for name, text in sample.variables.items()}
    asked = (*({"role": name, "content": text} for name, text in said.items()), *sample.messages)
    return Shown(sample.id, how, tuple(map(_plain, asked)), tuple(map(_plain, output.messages)), tuple(sorted(acted)))


def _plain(message: Json) -> Json:
    """What is to be read of a message."""
    calls = [call.get("function", {}) for call in message.get("tool_calls") or ()]
    told = [f"{call.get('name')}({call.get('arguments')})" for call in calls]
    return {"role": str(message.get("role")), "content": "\n".join(filter(None, [text_of(message), *told]))}
