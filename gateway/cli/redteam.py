"""`sluice redteam`: attack an endpoint, and tell how often that works."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import orjson
import typer
from msgspec import to_builtins
from rich.console import Console
from rich.table import Table

from evals.cli import naming, progress
from evals.cli.exits import Exit
from evals.errors import BadInput
from evals.gateway import Gateway
from evals.suite import Limits
from evals.targets.base import TargetSpec
from evals.targets.endpoint import EndpointSpec

if TYPE_CHECKING:
    from gateway.redteam.findings import Findings, Rate
    from gateway.redteam.suites import Campaign

LEAST = 48
"""Attempts: one of each class and family, about."""
EPILOG = "Ends with 0, 1 above --fail-above, 2 bad input, 5 attempts without an answer: run it again, it goes on."

Endpoint = Annotated[
    str | None,
    typer.Argument(help=f"What is attacked: {naming.HOW}. Only attack what is yours.", show_default=False),
]
BaseUrl = Annotated[str | None, typer.Option("--base-url", help="Any OpenAI-compatible server, in place of ENDPOINT.")]
Model = Annotated[str | None, typer.Option(help="The model that is asked for at --base-url.")]
Key = Annotated[str | None, typer.Option(help="The variable that holds its key. Default: OPENAI_API_KEY.")]
Budget = Annotated[
    int,
    typer.Option(help=f"Attempts, {LEAST} at least: two thirds planned attacks, a sixth controls, a sixth adaptive."),
]
Seed = Annotated[int, typer.Option(min=0, max=2**31 - 1, help="Which attempts are drawn, and what is planted.")]
Secret = Annotated[
    list[str] | None,
    typer.Option("--secret", help="A text of your system prompt that no answer may hold; may be repeated."),
]
Variable = Annotated[str | None, typer.Option(help="The variable of the endpoint's prompt that takes what users say.")]
Out = Annotated[
    Path | None,
    typer.Option("--out", "-o", help="The folder of the campaign; one that is there is gone on with."),
]
Concurrency = Annotated[int, typer.Option(min=1, max=1000, help="So many attempts at once.")]
Seconds = Annotated[float, typer.Option(min=0.1, max=3600, help="What one attempt may take.")]
FailAbove = Annotated[
    float | None, typer.Option(min=0, max=1, help="End with 1 where a larger share of the planned attacks succeeds.")
]
Post = Annotated[bool, typer.Option("--post", help="Post the results to the gateway, as evidence of the release.")]
Plan = Annotated[bool, typer.Option("--plan", help="Tell what would be asked, and ask nothing.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


def redteam(
    endpoint: Endpoint = None,
    base_url: BaseUrl = None,
    model: Model = None,
    key: Key = None,
    budget: Budget = 300,
    seed: Seed = 0,
    secret: Secret = None,
    variable: Variable = None,
    out: Out = None,
    concurrency: Concurrency = 8,
    seconds: Seconds = 60.0,
    fail_above: FailAbove = None,
    post: Post = False,
    plan: Plan = False,
    as_json: AsJson = False,
) -> None:
    """Attack an endpoint with injections, jailbreaks and the like in many forms, and tell how many succeed.

    Success is seen by rules: a canary that is written, a planted secret that is told, a tool that is called. Every
    attempt is kept in a folder, with report.html. The same command with --out goes on after a kill.
    """
    from gateway.redteam.suites import Campaign, Conduct
    from guardrails.redteam.book import Book

    if budget < LEAST:
        raise BadInput(f"--budget: {budget} attempts say nothing; take {LEAST} at least.")
    conduct = Conduct(seed, tuple(secret or ()), variable, Limits(concurrency=concurrency, seconds=seconds))
    campaign = Campaign.of(Book.shipped(), budget, conduct)
    if plan:
        _tell_plan(campaign, as_json)
        return
    spec = _target(endpoint, base_url, model, key)
    if post:
        _check_postable(spec)
    folder = out or Path(".sluice") / "redteam" / time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    found = _run(campaign, spec, folder, as_json)
    (folder / "findings.json").write_bytes(orjson.dumps(to_builtins(found), option=orjson.OPT_INDENT_2) + b"\n")
    _finish(found, folder, fail_above, spec if post else None, as_json)


def _target(endpoint: str | None, base_url: str | None, model: str | None, key: str | None) -> TargetSpec:
    if (endpoint is None) == (base_url is None):
        raise BadInput("Name what is attacked: an ENDPOINT, or --base-url with --model.")
    if endpoint is not None:
        if model is not None or key is not None:
            raise BadInput("--model and --key go with --base-url: an endpoint knows its own.")
        return naming.target(endpoint)
    if model is None:
        raise BadInput(f"Which model of {base_url} is attacked? Add --model.")
    value = {"kind": "openai", "base_url": base_url, "model": model, **({"key": key} if key else {})}
    return naming.target(orjson.dumps(value).decode())


def _check_postable(spec: TargetSpec) -> None:
    if not isinstance(spec, EndpointSpec) or spec.release is None:
        raise BadInput("--post is about a release: name what is attacked as ENDPOINT@DIGEST.")


def _run(campaign: Campaign, spec: TargetSpec, folder: Path, quiet: bool) -> Findings:
    from gateway.redteam.campaign import run
    from gateway.redteam.findings import found  # numpy, which most commands do without

    with progress.shown(quiet) as told:
        ran = run(campaign, spec, folder, told)
    return found(folder, ran)


def _finish(found: Findings, folder: Path, most: float | None, posted_to: TargetSpec | None, as_json: bool) -> None:
    from gateway.redteam.report import exceeds, html

    page = folder / "report.html"
    page.write_text(html(found, most), encoding="utf-8")
    posted = _posted(folder, posted_to) if posted_to is not None and found.whole else []
    end = Exit.INFRASTRUCTURE if not found.whole else Exit.FAIL if exceeds(found, most) else Exit.PASS
    if as_json:
        told = {"exit": int(end), "folder": str(folder), "evidence": posted, **to_builtins(found)}
        typer.echo(orjson.dumps(told, option=orjson.OPT_INDENT_2).decode())
    else:
        _show(found, most)
        for one in posted:
            typer.echo(f"evidence   {one}")
        typer.echo(f"report     {page}")
    raise typer.Exit(end)


def _posted(folder: Path, spec: TargetSpec) -> list[str]:
    """The ids of the evidence, of the attacks and of the controls."""
    from evals.runs.evidence import of_logs  # numpy, which most commands do without
    from gateway.redteam.campaign import ATTACKS, CONTROLS, logs

    assert isinstance(spec, EndpointSpec)
    with Gateway(spec.url) as gateway:
        parts = [log for part in (ATTACKS, CONTROLS) for log in logs(folder, part)]
        bodies = [of_logs(log).model_dump(mode="json", exclude_none=True) for log in parts]
        return [str(gateway.post_evidence(body)["id"]) for body in bodies]


def _tell_plan(campaign: Campaign, as_json: bool) -> None:
    samples = campaign.attacks.dataset.samples
    told = {
        "attacks": {"suite": campaign.attacks.digest, "attempts": len(samples), "metric": "attack_success"},
        "controls": {
            "suite": campaign.controls.digest,
            "attempts": len(campaign.controls.dataset.samples),
            "metric": "over_blocked",
        },
        "adaptive": {"attempts": campaign.following},
        "seeds": len({sample.cluster for sample in samples}),
    }
    if as_json:
        typer.echo(orjson.dumps(told, option=orjson.OPT_INDENT_2).decode())
        return
    for name in ("attacks", "controls"):
        part = told[name]
        assert isinstance(part, dict)
        typer.echo(f"{name:<10} {part['attempts']} attempts, {part['metric']} of suite {part['suite']}")
    typer.echo(f"{'adaptive':<10} {campaign.following} attempts, after what was found")


def _show(found: Findings, most: float | None) -> None:
    console = Console(width=10_000, highlight=False, markup=False)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("", "succeeded", "95 %", "attempts", "seeds", "blocked", "refused", "resisted", "no answer"):
        table.add_column(column, no_wrap=True)
    _rows(table, {"all attacks": found.attacks})
    _rows(table, found.classes, "  ")
    _rows(table, found.families, "  ")
    console.print(table)
    if found.controls is not None:
        stopped = _percent(found.controls.value)
        typer.echo(f"controls   {stopped} of {found.controls.answered} stopped or refused, {_between(found.controls)}")
        parts = ", ".join(f"{name} {_percent(rate.value)}" for name, rate in found.control_families.items())
        typer.echo(f"           {parts}")
    tried = sum(found.adaptive.values())
    typer.echo(f"adaptive   {found.adaptive.get('succeeded', 0)} of {tried} succeeded: chosen for that, no rate")
    if most is not None:
        from gateway.redteam.report import exceeds

        above = exceeds(found, most)
        typer.secho(f"{'above' if above else 'not above'} {_percent(most)}", fg="red" if above else "green", bold=True)
    if not found.whole:
        typer.secho("Not all attempts were answered: run it again with the same --out, it goes on.", fg="red", err=True)


def _rows(table: Table, rates: Mapping[str, Rate], indent: str = "") -> None:
    for name, rate in rates.items():
        counts = [rate.answered, rate.seeds, *(rate.outcomes[one] for one in ("blocked", "refused", "resisted"))]
        table.add_row(indent + name, _percent(rate.value), _between(rate), *map(str, counts), str(rate.failed))


def _percent(value: float | None) -> str:
    return "none" if value is None else f"{100 * value:.1f} %"


def _between(rate: Rate) -> str:
    return "" if rate.low is None or rate.high is None else f"{_percent(rate.low)} to {_percent(rate.high)}"
