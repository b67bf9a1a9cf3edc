"""What a run ends with: what it came to, and where there is a gate its verdict."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
import typer
from msgspec import to_builtins
from rich.console import Console
from rich.table import Table

from evals.cli.exits import OF_VERDICT, Exit
from evals.errors import BadInput
from evals.evidence import EvalEvidence
from evals.gate import Requirement
from evals.gateway import Gateway
from evals.runs.log import Header, read_results
from evals.runs.runner import Arm
from evals.sample import Json
from evals.targets.base import TargetSpec
from evals.targets.endpoint import EndpointSpec
from evals.verdict import GateFile, Judged, gate_json, judge, of_proof, overall

MOST_ERRORS = 5
if TYPE_CHECKING:
    from evals.summaries import Mean

COLOURS = {"pass": "green", "fail": "red", "underpowered": "yellow", "invalid": "magenta"}


@dataclass(frozen=True, slots=True)
class Ended:
    """A run that is over; `found` is what `gate.json` holds, where a gate was asked."""

    arms: Sequence[Arm]
    headers: Sequence[Header]
    judged: Sequence[Judged] = ()
    found: Json | None = None

    @property
    def exit(self) -> Exit:
        """Without a gate a run that is whole passes, whatever was scored."""
        if self.found is not None:
            return OF_VERDICT[overall(self.judged)]
        return Exit.PASS if self.whole else Exit.INFRASTRUCTURE

    @property
    def whole(self) -> bool:
        return all(header.state in ("complete", "enough") and not header.failed for header in self.headers)


def demanded(spec: TargetSpec, release: str | None, suite: str) -> tuple[tuple[Requirement, ...], int]:
    """What the gate of an endpoint asks for, and how many runs of the suite there were of the release. Raises
    `BadInput` where it has no gate."""
    if not isinstance(spec, EndpointSpec) or release is None:
        raise BadInput("--gate is about a release of an endpoint: name it with --release.")
    with Gateway(spec.url) as gateway:
        gate = gateway.endpoint(spec.name)["gate"]
        before = gateway.runs_of(release, suite)
    if gate is None:
        message = f"{spec.name} has no gate: set one with `sluice endpoints gate set {spec.name} -f gate.yaml`."
        raise BadInput(message)
    return GateFile.model_validate(gate).requires, before


def by_gateway(arms: Sequence[Arm], headers: Sequence[Header], spec: EndpointSpec) -> Ended:
    """Posts the evidence, and takes the gateway's verdict: it works it out itself, and knows what was run before."""
    evidence = evidence_of(arms)
    with Gateway(spec.url) as gateway:
        posted = gateway.post_evidence(evidence.model_dump(mode="json", exclude_none=True))
        proof = gateway.proof(spec.name, evidence.release, posted["id"])
    judged = of_proof(proof)
    return _kept(Ended(arms, headers, judged, gate_json(judged, evidence, proof)))


def here(arms: Sequence[Arm], headers: Sequence[Header], requires: Sequence[Requirement]) -> Ended:
    """Judges on this machine, and tells nobody."""
    evidence = evidence_of(arms)
    judged = judge(requires, evidence, time.time())
    return _kept(Ended(arms, headers, judged, gate_json(judged, evidence, None)))


def evidence_of(arms: Sequence[Arm]) -> EvalEvidence:
    """Of what there is in their logs so far."""
    from evals.runs.evidence import of_logs  # numpy, which most commands do without

    return of_logs(*(arm.folder for arm in arms))


def show(ended: Ended, as_json: bool) -> None:
    if as_json:
        told = {"exit": int(ended.exit), "runs": [to_builtins(header) for header in ended.headers], "gate": ended.found}
        typer.echo(orjson.dumps(told, option=orjson.OPT_INDENT_2).decode())
        return
    for arm, header in zip(ended.arms, ended.headers, strict=True):
        failed = f", {header.failed} failed" if header.failed else ""
        typer.echo(f"{arm.name:<10} {header.state}, {header.asked} asked{failed}  {arm.folder}")
        for error, count in _errors(arm.folder, header):
            typer.secho(f"  {count:>6} x {error}", fg="red")
    _show_metrics(ended)
    if ended.found is None:
        return
    for one in ended.judged:
        _show_requirement(one)
    verdict = overall(ended.judged)
    typer.secho(verdict.upper(), fg=COLOURS[verdict], bold=True)


def _show_metrics(ended: Ended) -> None:
    """A line a metric, a column an arm: the mean with its interval."""
    from evals.runs.table import RunTable  # numpy, which most commands do without
    from evals.summaries import summarise

    summaries = [summarise(RunTable.read(arm.folder)) for arm in ended.arms]
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("metric", no_wrap=True)
    for arm in ended.arms:
        table.add_column(arm.name, no_wrap=True)
    for metric in ended.headers[0].metrics:
        table.add_row(metric.name, *(_mean(summary.metrics[metric.name]) for summary in summaries))
    Console(width=10_000).print(table)


def _mean(mean: Mean) -> str:
    if mean.value is None:
        return "none"
    between = "" if mean.low is None or mean.high is None else f" [{mean.low:.3f}, {mean.high:.3f}]"
    missing = f", {mean.missing} missing" if mean.missing else ""
    return f"{mean.value:.3f}{between}{missing}"


def _errors(folder: Path, header: Header) -> list[tuple[str, int]]:
    """The commonest, of a run in which something failed."""
    if not header.failed:
        return []
    return Counter(found.error for found in read_results(folder) if found.error is not None).most_common(MOST_ERRORS)


def _show_requirement(one: Judged) -> None:
    if one.decision is None:
        typer.echo(f"  {one.requirement.metric}: no evidence from the suite {one.requirement.suite[:12]}")
        return
    for reason in one.decision.reasons:
        typer.echo(f"  {one.decision.verdict:<12} {reason}")


def _kept(ended: Ended) -> Ended:
    """With `gate.json` beside the arms' logs."""
    path = ended.arms[0].folder.parent / "gate.json"
    path.write_bytes(orjson.dumps(ended.found, option=orjson.OPT_INDENT_2) + b"\n")
    return ended
