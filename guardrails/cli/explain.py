"""`sluice guard explain`: what a policy makes of a text, guard by guard, and why."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from guardrails.cli.options import STAGE_HELP, AsJson, PolicyName, stage_of
from guardrails.engine import Engine, Report
from guardrails.environment import own_models
from guardrails.errors import BadInput
from guardrails.models.lent import lent
from guardrails.passage import Passage, Surroundings
from guardrails.policy import Policy, find
from guardrails.verdict import Verdict

SHOWN = 60
"""Characters of what a guard points at."""


def explain(
    text: Annotated[str, typer.Argument(help="What is to be judged; - reads it from standard input.")],
    policy: PolicyName = "default",
    stage: Annotated[str, typer.Option(help=STAGE_HELP)] = "input",
    document: Annotated[
        list[Path] | None, typer.Option(help="What an answer is to stand on; as often as needed.")
    ] = None,
    system: Annotated[str, typer.Option(help="The system prompt around it.")] = "",
    question: Annotated[str, typer.Option(help="What was asked, for an answer.")] = "",
    tenant: Annotated[str | None, typer.Option(help="Whose overrides are in force.")] = None,
    as_json: AsJson = False,
) -> None:
    """Judge one text, and show which guards ran, in order, what each found and what comes of it. No server is
    asked but those that the policy names. Ends with 1 where the text would be stopped."""
    at = stage_of(stage)
    said = sys.stdin.read() if text == "-" else text
    passage = Passage(said, at, "assistant" if at in ("output", "tool_calls") else "user", "text")
    around = Surroundings(system, question, tuple(_read(path) for path in document or ()), tenant=tenant)
    used = find(policy)
    report = asyncio.run(_judged(used, passage, around))
    if as_json:
        typer.echo(orjson.dumps(told(report, passage, used), option=orjson.OPT_INDENT_2).decode())
    else:
        _show(report, passage)
    if report.ends:
        raise typer.Exit(5 if any(one.not_run and one.action != "allow" for one in report.verdicts) else 1)


async def _judged(policy: Policy, passage: Passage, around: Surroundings) -> Report:
    async with lent(own=own_models()) as lending:
        return await Engine(policy, lending.models).check(passage.stage, [passage], around)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"cannot be read: {error}.", file=str(path)) from error


def told(report: Report, passage: Passage, policy: Policy) -> dict[str, Any]:
    return {
        "policy": policy.digest,
        "action": report.action,
        "message": report.message,
        "text": report.passages[0].text,
        "views": [{"how": list(view.how), "start": view.start, "end": view.end} for view in passage.views[1:]],
        "verdicts": [asdict(verdict) for verdict in report.verdicts],
    }


def _show(report: Report, passage: Passage) -> None:
    for view in passage.views[1:]:
        how = ", ".join(view.how)
        typer.echo(f"also read with {how} undone, characters {view.start} to {view.end}: {_short(view.text)}")
    if not report.verdicts:
        typer.echo(f"No guard of this policy judges {passage.stage}.")
    for number, verdict in enumerate(report.verdicts, 1):
        typer.echo(
            f"{number:>2}  {verdict.guard:<16} {_outcome(verdict):<22} {verdict.milliseconds:8.2f} ms  {_why(verdict)}"
        )
        for span in verdict.spans[:10]:
            typer.echo(
                f"      {span.label:<14} {span.start} to {span.end}: {_short(passage.text[span.start : span.end])}"
            )
    typer.echo(f"=>  {report.action}" + (f": {report.message}" if report.message else ""))
    if report.passages[0].text != passage.text:
        typer.echo(f"    goes on as: {_short(report.passages[0].text, 400)}")


def _outcome(verdict: Verdict) -> str:
    act = verdict.action if verdict.would is None else f"would {verdict.would}"
    return f"{act} {'not run' if verdict.score is None else f'{verdict.score:.3f} of {verdict.threshold:g}'}"


def _why(verdict: Verdict) -> str:
    if verdict.allowed_by is not None:
        return f"let through: {verdict.allowed_by}"
    return verdict.not_run or verdict.reason


def _short(text: str, most: int = SHOWN) -> str:
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return line if len(line) <= most else line[: most - 1] + "…"
