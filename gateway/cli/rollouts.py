"""`sluice rollouts`: propose a release, and see it through gate, shadow and canary to live."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gateway.cli.files import mapping
from gateway.cli.options import AsJson, Url, json_of
from gateway.cli.remote import connect
from gateway.cli.table import bar, show, show_json
from gateway.errors import BadRequest
from gateway.paths import segment
from gateway.types import Json

cli = typer.Typer(
    help="Propose a release, and see it through gate, shadow and canary to live.",
    no_args_is_help=True,
    epilog="""\b
In order:  sluice rollouts propose ENDPOINT --prompt NAME@N --reason WHY --submit
           sluice evidence post FILE      (an eval run does this for you)
           sluice rollouts approve ID     by somebody else
           sluice rollouts watch ID       until it is live
""",
)

Id = Annotated[str, typer.Argument(help="As shown by `sluice rollouts list`.")]
Why = Annotated[str, typer.Option("--reason", "-r", help="Why, for those who look later.")]

STAGES = ("draft", "gate", "shadow", "canary", "live")


@cli.command("propose")
def propose(
    endpoint: Annotated[str, typer.Argument(help="The endpoint it is for.")],
    release: Annotated[str | None, typer.Option(help="A release by its digest.", show_default=False)] = None,
    prompt: Annotated[
        str | None,
        typer.Option(help="The live release with another prompt: NAME@N, or NAME@LABEL.", show_default=False),
    ] = None,
    upstream: Annotated[str | None, typer.Option(help="… with another upstream.", show_default=False)] = None,
    parameters: Annotated[
        str | None, typer.Option(help="… with other parameters, as JSON.", show_default=False)
    ] = None,
    policy: Annotated[
        str | None, typer.Option(help="… with another guard policy: a digest, or a shipped name.", show_default=False)
    ] = None,
    plan: Annotated[
        Path | None, typer.Option(help="YAML file with shadow and canary. Default: a canary of 1, 5, 25, 50 %.")
    ] = None,
    reason: Why = "",
    submit: Annotated[bool, typer.Option("--submit", help="To the gate at once.")] = False,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Propose a release: a draft, until it is submitted."""
    change: Json = {}
    if prompt is not None:
        change["prompt"] = prompt
    if upstream is not None:
        change["upstream"] = upstream
    if parameters is not None:
        change["parameters"] = json_of(parameters, "--parameters")
    if policy is not None:
        change["policy"] = policy
    if (release is None) == (not change):
        raise BadRequest("Name a --release, or what is to change: --prompt, --upstream, --parameters, --policy.")
    body: Json = {"endpoint": endpoint, "reason": reason, "submit": submit}
    if plan is not None:
        body["plan"] = mapping(plan, "a plan is one mapping, with shadow and canary")
    body |= {"release": release} if release is not None else {"change": change}
    with connect(url) as gateway:
        _tell(gateway.post("/admin/rollouts", body), as_json)


@cli.command("list")
def list_rollouts(
    endpoint: Annotated[str | None, typer.Option(help="Only this endpoint's.", show_default=False)] = None,
    state: Annotated[
        str | None, typer.Option(help="open, running, paused, live, aborted or rolled_back.", show_default=False)
    ] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Show rollouts, newest first."""
    with connect(url) as gateway:
        found = gateway.get("/admin/rollouts", endpoint=endpoint, state=state)
    rows = found["data"]
    if as_json:
        show_json(found)
        return
    for row in rows:
        row["release"] = row["release"][:12]
        row["stage"] = f"{row['stage']} {row['weight']:.0%}" if row["weight"] else row["stage"]
    show(rows, ("id", "endpoint", "release", "stage", "state", "author", "why"), False, "No rollout yet.")


@cli.command("show")
def show_rollout(rollout_id: Id, url: Url = None, as_json: AsJson = False) -> None:
    """Show where a rollout stands: what is missing, what the comparison says, who said what."""
    with connect(url) as gateway:
        _explain(gateway.get(f"/admin/rollouts/{segment(rollout_id)}"), as_json)


@cli.command("watch")
def watch(
    rollout_id: Id,
    every: Annotated[float, typer.Option(min=0.2, help="Seconds between two looks.")] = 2.0,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Follow a rollout to its end. Exit status 0 when it is live, 2 when it came to nothing."""
    said = None
    with connect(url) as gateway:
        while True:
            found = gateway.get(f"/admin/rollouts/{segment(rollout_id)}")
            line = (found["stage"], found["step"], found["state"], found["why"])
            if line != said and not as_json:
                share = f" {found['weight']:.0%}" if found["weight"] else ""
                typer.echo(f"{_clock(time.time())}  {found['stage']}{share}  {found['state']}  {found['why']}")
            said = line
            if found["state"] not in ("running", "paused"):
                break
            time.sleep(every)
    if as_json:
        show_json(found)
    if found["state"] != "live":
        raise typer.Exit(2)


@cli.command("submit")
def submit(rollout_id: Id, url: Url = None, as_json: AsJson = False) -> None:
    """Take a draft to the gate."""
    _post(rollout_id, "submit", {}, url, as_json)


@cli.command("pause")
def pause(rollout_id: Id, reason: Why = "", url: Url = None, as_json: AsJson = False) -> None:
    """Keep a rollout where it is. A canary keeps its weight; harm still ends it."""
    _post(rollout_id, "pause", {"reason": reason}, url, as_json)


@cli.command("resume")
def resume(rollout_id: Id, reason: Why = "", url: Url = None, as_json: AsJson = False) -> None:
    """Let a rollout go on."""
    _post(rollout_id, "resume", {"reason": reason}, url, as_json)


@cli.command("abort")
def abort(rollout_id: Id, reason: Why = "", url: Url = None, as_json: AsJson = False) -> None:
    """End a rollout; its release needs new evidence to be tried again."""
    _post(rollout_id, "abort", {"reason": reason}, url, as_json)


@cli.command("approve")
def approve(
    rollout_id: Id,
    note: Annotated[str, typer.Option(help="What you looked at.")] = "",
    condition: Annotated[
        list[str] | None, typer.Option(help="What must be met before it goes live; repeatable.", show_default=False)
    ] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Agree to somebody else's rollout."""
    _post(rollout_id, "approve", {"note": note, "conditions": condition or []}, url, as_json)


@cli.command("reject")
def reject(rollout_id: Id, reason: Why = "", url: Url = None, as_json: AsJson = False) -> None:
    """Refuse somebody else's rollout: it ends."""
    _post(rollout_id, "reject", {"reason": reason}, url, as_json)


@cli.command("meet")
def meet(
    rollout_id: Id,
    number: Annotated[int, typer.Argument(help="Of the condition, as `show` counts them.")],
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Say that a condition of an approval is met."""
    _post(rollout_id, f"conditions/{number}/meet", None, url, as_json)


def _post(rollout_id: str, action: str, body: Json | None, url: str | None, as_json: bool) -> None:
    with connect(url) as gateway:
        _tell(gateway.post(f"/admin/rollouts/{segment(rollout_id)}/{action}", body), as_json)


def _tell(rollout: Json, as_json: bool) -> None:
    if as_json:
        show_json(rollout)
        return
    typer.echo(f"{rollout['id']}  {rollout['endpoint']}  release {rollout['release']}")
    typer.echo(f"{_rail(rollout)}\n{rollout['why']}")


def _explain(rollout: Json, as_json: bool) -> None:
    _tell(rollout, as_json)
    if as_json:
        return
    gate = rollout["gate"]
    if gate is not None:
        typer.echo(f"\ngate: {'passed' if gate['passed'] else gate['missing']}")
        people = ", ".join(gate["approved_by"]) or "nobody"
        typer.echo(f"approved by {people}, of {gate['approvals']} wanted")
    count = 0
    for said in rollout["approvals"]:
        for condition in said["conditions"]:
            count += 1
            met = f"met, says {condition['met']['by']}" if condition["met"] else "not met"
            typer.echo(f"condition {count}: {condition['text']} ({met})")
    if rollout["analysis"]:
        typer.echo("")
        _compared(rollout["analysis"])
    typer.echo("")
    for event in rollout["history"]:
        typer.echo(f"{_clock(event['at'])}  {event['by']}  {event['action']}  {event['reason']}")


def _compared(analysis: list[Json]) -> None:
    """One line for each metric: candidate against live, between which bounds the difference lies, and the margin."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("metric", "live", "candidate", "difference", "margin", "units", "harm", "safe"):
        table.add_column(column, no_wrap=True)
    for metric in analysis:
        low, high = metric["low"], metric["high"]
        between = "" if low is None else f"[{low:+.4g}, {high:+.4g}]"
        cells = [metric["metric"], _number(metric["live"]), _number(metric["candidate"]), between]
        cells += [f"{metric['margin']:.4g}", str(metric["units"]), bar(metric["harm"], 8), bar(metric["safe"], 8)]
        table.add_row(*(Text(cell) for cell in cells))
    Console(width=10_000).print(table)


def _rail(rollout: Json) -> str:
    """`draft ─ gate ─ [canary 5%] ─ live`."""
    here = rollout["stage"]
    share = f" {rollout['weight']:.0%}" if rollout["weight"] else ""
    plan = rollout["plan"]
    stages = [stage for stage in STAGES if stage not in ("shadow", "canary") or plan.get(stage) is not None]
    return " ─ ".join(f"[{stage}{share}]" if stage == here else stage for stage in stages) + f"   {rollout['state']}"


def _number(value: Any) -> str:
    return "" if value is None else f"{value:.4g}"


def _clock(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(" ", "seconds")
