"""`sluice eval run`: ask a suite of a target, or of a release and what it is to replace, and judge it by a gate."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import typer
from pydantic import ValidationError

from evals.cli import looks, naming, options, positions, progress, verdicts
from evals.errors import BadInput
from evals.gate import Requirement
from evals.gateway import Gateway
from evals.runs import runner
from evals.runs.answers import AnswersFile
from evals.runs.budget import Budget
from evals.runs.executors.local import Local
from evals.runs.runner import Arm, Options
from evals.sample import Json
from evals.suite import Limits, Suite, read
from evals.targets.base import TargetSpec
from evals.targets.endpoint import EndpointSpec
from evals.verdict import read_gate

HOME = Path(".sluice")
"""Where runs and answers are kept, in the folder that a command is given in."""


def run(
    suite: options.SuiteFile,
    target: options.Target = None,
    release: options.Release = None,
    against: options.Against = None,
    gate: options.Gated = False,
    gate_file: options.ByFile = None,
    out: options.Out = None,
    answers: options.Answers = None,
    budget: options.Budget = None,
    concurrency: options.Concurrency = None,
    executor: options.Executor = "local",
    as_json: options.AsJson = False,
) -> None:
    """Ask every sample, score the answers, and keep both in a log.

    With --release and --gate a candidate is run beside what is live, the results are posted to the gateway, and its
    verdict decides how the command ends. Ctrl-C or a kill loses nothing: the same command with --out goes on, and pays
    for no answer twice.
    """
    held = _limited(read(suite), budget, concurrency)
    spec = naming.target(target).placed(held.folder) if target is not None else held.target
    if spec is None:
        raise BadInput(f"{suite} names no target: give one with --target.")
    requires: Sequence[Requirement] = ()
    before = 0
    if gate:
        requires, before = verdicts.demanded(spec, release, held.digest)
    elif gate_file is not None:
        requires = read_gate(gate_file).requires
    folder = out or HOME / "runs" / f"{held.name}-{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}"
    other = naming.target(against).placed(held.folder) if against is not None else None
    arms = _arms(spec, release, other, folder)
    with progress.shown(quiet=as_json) as told:
        executing = _executing(executor, answers or HOME / "answers.db", Budget(held.limits.micro_usd))
        known = _known(held, arms[0].spec)
        sizes = looks.planned(held, requires)
        enough = looks.enough(arms, requires, before) if sizes else None
        headers = runner.run(held, arms, executing, Options(told, sizes, enough, _cards(held), known))
    ended = verdicts.Ended(arms, headers)
    if ended.whole and gate and isinstance(spec, EndpointSpec):
        ended = verdicts.by_gateway(arms, headers, spec)
    elif ended.whole and requires:
        ended = verdicts.here(arms, headers, requires)
    verdicts.show(ended, as_json)
    if not as_json:
        positions.show(arms, ended.headers)
    raise typer.Exit(ended.exit)


def _arms(spec: TargetSpec, release: str | None, other: TargetSpec | None, folder: Path) -> list[Arm]:
    if release is not None:
        if not isinstance(spec, EndpointSpec):
            raise BadInput("--release is a release of an endpoint: name the endpoint with --target.")
        other = other or _live(spec, release)
        spec = spec.model_copy(update={"release": release})
    arms = [Arm("candidate", spec, folder / "candidate")]
    return arms if other is None else [*arms, Arm("baseline", other, folder / "baseline")]


def _live(spec: EndpointSpec, candidate: str) -> EndpointSpec | None:
    """What serves now; None where nothing does yet, or it is the candidate."""
    with Gateway(spec.url) as gateway:
        live = gateway.endpoint(spec.name)["release"]
    return None if live is None or live == candidate else spec.model_copy(update={"release": live})


def _known(suite: Suite, spec: TargetSpec) -> Json | None:
    """What the candidate may have learnt the suite from."""
    messages: list[Json] = []
    if isinstance(spec, EndpointSpec) and spec.release is not None:
        with Gateway(spec.url) as gateway:
            messages = gateway.prompt_of(spec.release)
    if not messages and not suite.contamination.sets:
        return None
    from evals.contamination import known  # numpy, which most commands do without

    found = known.evidence(suite, messages)
    return found.model_dump(mode="json") if found is not None else None


def _cards(suite: Suite) -> dict[str, Json]:
    """Of the judges that were calibrated as they are."""
    if not suite.judges:
        return {}
    from evals.judges.card import cards  # scipy, which most commands do without

    return cards(suite.judges, suite.folder)


def _limited(suite: Suite, budget: str | None, concurrency: int | None) -> Suite:
    changed = {"budget": budget, "concurrency": concurrency}
    given = {name: value for name, value in changed.items() if value is not None}
    try:
        limits = Limits.model_validate({**suite.limits.model_dump(), **given})
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        raise BadInput(f"--{fault['loc'][0]}: {fault['msg']}.") from error
    return replace(suite, limits=limits)


def _executing(name: str, answers: Path, budget: Budget) -> runner.Executing:
    if name == "ray":
        from evals.runs.executors.ray import Ray

        return lambda work: Ray(work, answers, budget)
    kept = AnswersFile(answers)
    return lambda work: Local(work, kept, budget)
