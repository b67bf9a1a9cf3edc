"""`sluice guard score`: one guard over a file of texts."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from guardrails.cli.options import STAGE_HELP, stage_of
from guardrails.engine import Engine
from guardrails.environment import own_models
from guardrails.errors import BadInput, Missing
from guardrails.guard import Guard
from guardrails.guards import registry
from guardrails.models.lent import lent
from guardrails.passage import Passage, Stage, Surroundings
from guardrails.policy import Policy, parse
from guardrails.verdict import Verdict

AT_ONCE = 64
LOADING = 600.0
"""Seconds that loading a model may take."""
Row = dict[str, Any]


def score(
    file: Annotated[
        Path, typer.Argument(help="Texts: .jsonl or .parquet, with `text`, or `context`, `question`, `response`.")
    ],
    guard: Annotated[str, typer.Option("--guard", "-g", help="The kind of guard; `sluice guard list` shows them.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Where the scored rows go: .jsonl or .parquet.")],
    threshold: Annotated[float | None, typer.Option(help="The score from which on a text is flagged.")] = None,
    options: Annotated[str, typer.Option(help="Other options of the guard, as a JSON object.")] = "{}",
    stage: Annotated[str | None, typer.Option(help=STAGE_HELP)] = None,
) -> None:
    """Score every row of a file with one guard. The rows come out as they came in, with `score` (0 to 1, empty where
    it did not run), `flagged`, `verdict` (flag, allow, or not run and why) and `ms`."""
    policy, where = _policy(guard, threshold, options, stage)
    rows = list(read(file))
    bar = Progress(TextColumn("scoring"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), transient=True)
    with bar:
        scored = asyncio.run(_scored(policy, where, rows, bar))
    write(out, scored)
    flagged = sum(bool(row["flagged"]) for row in scored)
    missed = sum(row["score"] is None for row in scored)
    typer.echo(f"{len(scored)} rows, {flagged} flagged, {missed} not judged: {out}")


def _policy(kind: str, threshold: float | None, options: str, stage: str | None) -> tuple[Policy, Stage]:
    try:
        given = orjson.loads(options)
    except ValueError as error:
        raise BadInput(f"--options is no JSON: {error}.") from error
    if not isinstance(given, dict):
        raise BadInput('--options is a JSON object, as \'{"kinds": ["email"]}\'.')
    written = {"guard": kind, **given} | ({"threshold": threshold} if threshold is not None else {})
    where = stage_of(stage) if stage is not None else registry.find(kind).stages[0]
    return parse({where: [written]}), where


async def _scored(policy: Policy, stage: Stage, rows: Sequence[Row], bar: Progress) -> list[Row]:
    task = bar.add_task("scoring", total=len(rows))
    (guard,) = policy.at(stage)
    out: list[Row] = []
    waiting = iter(enumerate(rows))
    async with lent(own=own_models()) as lending:
        engine = Engine(policy, lending.models)
        patient = guard.model_copy(update={"budget": LOADING})  # the first rows are not to pay for loading a model
        await engine.judge(patient, Passage("Good morning.", stage), Surroundings())
        while batch := list(islice(waiting, AT_ONCE)):
            judged = await asyncio.gather(*(_judged(engine, guard, stage, number, row) for number, row in batch))
            out += [{**row, **told(verdict)} for (_, row), verdict in zip(batch, judged, strict=True)]
            bar.advance(task, len(batch))
    return out


async def _judged(engine: Engine, guard: Guard, stage: Stage, number: int, row: Row) -> Verdict:
    passage, around = placed(row, stage, number)
    return await engine.judge(guard, passage, around)


def placed(row: Mapping[str, Any], stage: Stage, number: int) -> tuple[Passage, Surroundings]:
    """What a row says. Raises `BadInput` naming the row, counted from 1, where it lacks a column."""
    if isinstance(row.get("text"), str):
        return Passage(row["text"], stage, source=str(number)), Surroundings()
    if not isinstance(row.get("response"), str):
        raise BadInput(f"row {number + 1} has neither `text` nor `response`, as texts.")
    context = row.get("context")
    documents = tuple(context) if isinstance(context, list) else (context,) if context else ()
    around = Surroundings(question=row.get("question") or "", documents=documents)
    return Passage(row["response"], "output", "assistant", str(number)), around


def told(verdict: Verdict) -> Row:
    said = f"not run: {verdict.not_run}" if verdict.not_run is not None else "flag" if verdict.flagged else "allow"
    return {"score": verdict.score, "flagged": verdict.flagged, "verdict": said, "ms": round(verdict.milliseconds, 3)}


def read(file: Path) -> Iterator[Row]:
    """Raises `BadInput` with the line of what is no JSON object."""
    if file.suffix == ".parquet":
        yield from _parquet().read_table(_there(file)).to_pylist()
        return
    for number, line in enumerate(_there(file).read_bytes().splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = orjson.loads(line)
        except ValueError as error:
            raise BadInput(f"is no JSON: {error}.", file=str(file), line=number) from error
        if not isinstance(row, dict):
            raise BadInput("each line is a JSON object.", file=str(file), line=number)
        yield row


def write(file: Path, rows: Sequence[Row]) -> None:
    if file.suffix == ".parquet":
        import pyarrow

        _parquet().write_table(pyarrow.Table.from_pylist(list(rows)), file)
        return
    file.write_bytes(b"".join(orjson.dumps(row, default=str) + b"\n" for row in rows))


def _there(file: Path) -> Path:
    if not file.is_file():
        raise BadInput("there is no such file.", file=str(file))
    return file


def _parquet() -> Any:
    try:
        import pyarrow.parquet
    except ImportError as error:
        raise Missing.extra("pyarrow", "evals") from error
    return pyarrow.parquet
