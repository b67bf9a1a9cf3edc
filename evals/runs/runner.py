"""Runs a suite: every sample asked of every arm, as often as it repeats, scored and logged; and resumed where it was
killed.

The arms of a run (a candidate and its baseline) are asked side by side, sample by sample, so that what changes with the
hour changes for both.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from random import Random
from typing import Protocol

import msgspec
from msgspec.structs import replace

from evals.digest import sha256
from evals.errors import BadInput
from evals.judges.judge import Judge
from evals.runs.executors.base import Executor
from evals.runs.line import seed_of
from evals.runs.log import Header, JudgeHeader, MetricHeader, RunLog, State, read_results
from evals.runs.work import Unit, Work
from evals.sample import Json, Result, Sample
from evals.suite import Suite
from evals.targets.base import Asking, TargetSpec


@dataclass(frozen=True, slots=True)
class Arm:
    """`name` is candidate, baseline, or whatever people call it; its log goes to `folder`."""

    name: str
    spec: TargetSpec
    folder: Path


class Progress(Protocol):
    def __call__(self, done: int, total: int, failed: int, spent: int) -> None:
        """`spent` is in micro-USD. Called after every result."""


Enough = Callable[[Sequence[Sample]], bool]
"""Told which samples all arms are done with, in the order they were asked; says whether these are enough."""


@dataclass(frozen=True, slots=True)
class Options:
    """`looks` are numbers of samples, growing: when all arms are done with as many, `enough` is asked. `cards` are the
    calibrations of judges by name, and `contamination` what was found of the dataset elsewhere, for the log to tell."""

    progress: Progress | None = None
    looks: tuple[int, ...] = ()
    enough: Enough | None = None
    cards: Mapping[str, Json] = field(default_factory=dict)
    contamination: Json | None = None


Executing = Callable[[Work], Executor]
"""Makes an executor, inside the event loop that it runs in."""


def run(suite: Suite, arms: Sequence[Arm], executing: Executing, options: Options | None = None) -> list[Header]:
    """The headers of the logs, one for each arm. Raises `BadInput`, and then nothing was asked that is not kept."""
    return asyncio.run(_run(suite, arms, executing, options or Options()))


async def _run(suite: Suite, arms: Sequence[Arm], executing: Executing, options: Options) -> list[Header]:
    if len({sha256(dict(arm.spec.identity)) for arm in arms}) < len(arms):
        raise BadInput("Two arms ask the same target: they would share their answers, and show nothing.")
    for scorer in suite.scorers:
        if scorer.two_arms and len(arms) != 2:
            why = "holds an answer against the other arm's, and this run has one: give --against, or another reference"
            raise BadInput(f"{scorer.metric} {why}.")
    executor = executing(
        Work({arm.name: arm.spec for arm in arms}, suite.scorers, _now(suite, options), suite.folder, suite.limits)
    )
    try:
        running = Running(suite, arms, executor, options)
        try:
            await running.all()
        finally:
            headers = running.finish()
    finally:
        await executor.close()
    for arm in arms:
        _tabulate(arm.folder)
    return headers


def _tabulate(folder: Path) -> None:
    from evals.runs import parquet  # numpy, which most commands do without

    parquet.write(folder)


def _now(suite: Suite, options: Options) -> dict[str, Judge]:
    """The judges, each since it last moved, as its card has it."""
    return {name: judge.since(options.cards.get(name, {}).get("epoch", 0)) for name, judge in suite.judges.items()}


class Running:
    """One run on its way."""

    def __init__(self, suite: Suite, arms: Sequence[Arm], executor: Executor, options: Options) -> None:
        self._suite, self._arms, self._executor, self._options = suite, arms, executor, options
        self._samples = ordered(suite)
        self._twins = twins(suite.dataset.samples)
        self._logs = {arm.name: _log(suite, arm, self._samples, options) for arm in arms}
        self._done = {arm.name: {(found.sample, found.repeat) for found in read_results(arm.folder)} for arm in arms}
        self._total = len(self._samples) * suite.repeats * len(arms)
        self._count = sum(len(done) for done in self._done.values())
        self._added = self._failed = 0
        self._state: State = "stopped"
        self._looked: list[int] = []

    async def all(self) -> None:
        """Until everything was asked, or it is enough, or the budget is spent."""
        begun = 0
        for end in sorted({*self._options.looks, len(self._samples)}):
            if not await self._executor.execute(self._units(self._samples[begun:end]), self._keep):
                return
            begun = end
            self._looked.append(end)
            if self._options.enough is not None and self._options.enough(self._samples[:end]):
                break
        self._state = "complete" if begun == len(self._samples) else "enough"

    def finish(self) -> list[Header]:
        """Closes the logs, and writes their headers anew; of a run that was broken off too, which can be resumed. One
        that was whole before stays as it was: it is the same evidence."""
        looked = tuple(self._looked) if self._options.looks else ()
        for log in self._logs.values():
            if self._added or log.header.state != self._state:
                log.replace(_ended(log, self._state, looked))
            log.close()
        return [self._logs[arm.name].header for arm in self._arms]

    def _units(self, samples: Sequence[Sample]) -> Iterator[Unit]:
        for sample in samples:
            for repeat in range(self._suite.repeats):
                asking = Asking(repeat, seed_of(self._suite.seed, repeat), self._twins.get(sample.id, 0))
                for arm in self._arms:
                    if (sample.id, repeat) not in self._done[arm.name]:
                        yield Unit(arm.name, sample, asking)

    def _keep(self, arm: str, result: Result) -> None:
        self._logs[arm].add(result)
        self._count += 1
        self._added += 1
        self._failed += result.error is not None
        if self._options.progress is not None:
            self._options.progress(self._count, self._total, self._failed, self._executor.budget.spent)


def ordered(suite: Suite) -> tuple[Sample, ...]:
    """The order in which samples are asked: clusters shuffled by the suite's seed, the samples of one together. It
    depends on the dataset and the seed alone, and not on how well anything does."""
    clusters: dict[str, list[Sample]] = {}
    for sample in sorted(suite.dataset.samples, key=lambda one: one.id):
        clusters.setdefault(sample.cluster or f"sample:{sample.id}", []).append(sample)
    names = sorted(clusters)
    Random(suite.seed).shuffle(names)  # noqa: S311 - to be the same everywhere
    return tuple(sample for name in names for sample in clusters[name])


def twins(samples: Iterable[Sample]) -> dict[str, int]:
    """Of samples that ask the same, by id, which of them each is after the first."""
    counts: Counter[bytes] = Counter()
    found = {}
    for sample in sorted(samples, key=lambda one: one.id):
        asked = Sample("", sample.messages, None, sample.documents, sample.variables, sample.tools)
        said = msgspec.json.encode(asked, order="sorted")
        if counts[said]:
            found[sample.id] = counts[said]
        counts[said] += 1
    return found


def _log(suite: Suite, arm: Arm, samples: Sequence[Sample], options: Options) -> RunLog:
    header = _header(suite, arm, options)
    if not (arm.folder / "run.json").exists():
        return RunLog.create(arm.folder, header, samples)
    log = RunLog.resume(arm.folder)
    for name in ("suite_digest", "dataset_digest", "target_digest"):
        if getattr(log.header, name) != getattr(header, name):
            of = name.removesuffix("_digest")
            log.close()
            message = f"{arm.folder} holds a run of another {of}, which cannot be gone on with: name another folder."
            raise BadInput(message)
    return log


def _header(suite: Suite, arm: Arm, options: Options) -> Header:
    identity = dict(arm.spec.identity)
    return Header(
        id=arm.folder.name,
        suite=suite.name,
        about=suite.about,
        suite_digest=suite.digest,
        dataset_digest=suite.dataset.digest,
        target=identity,
        target_digest=sha256(identity),
        release=identity.get("release"),
        family=arm.spec.family,
        metrics=tuple(
            MetricHeader(one.metric, one.kind, one.about, one.lower, one.judge_name) for one in suite.scorers
        ),
        judges={
            name: JudgeHeader(judge.digest, judge.family(arm.spec.family), judge.least, options.cards.get(name))
            for name, judge in suite.judges.items()
        },
        slices=suite.slices,
        repeats=suite.repeats,
        seed=suite.seed,
        samples=len(suite.dataset.samples),
        started=time.time(),
        version=version("sluicegate"),
        contamination=options.contamination,
    )


def _ended(log: RunLog, state: State, looked: tuple[int, ...]) -> Header:
    """With what the log came to, read from it: a run that was resumed counts as a whole."""
    asked = failed = reused = 0
    cost: int | None = 0
    replies: set[str] = set()
    for found in read_results(log.folder):
        asked += 1
        took = [score.usage for score in found.scores.values() if score.usage is not None]
        if found.output is None:
            failed += 1
        else:
            took.append(found.output.usage)
            reply = found.output.reply
            reused += found.output.reused or reply in replies
            if reply is not None:
                replies.add(reply)
        for usage in took:
            cost = None if cost is None or usage.cost is None else cost + usage.cost
    return replace(
        log.header, state=state, ended=time.time(), asked=asked, failed=failed, reused=reused, cost=cost, looks=looked
    )
