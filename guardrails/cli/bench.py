"""`sluice guard bench`: the figures of the guards on files whose answers are known."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from guardrails.cli.options import AsJson
from guardrails.errors import BadInput, Missing
from guardrails.models.local import LocalModels


class What(StrEnum):
    SECRETS = "secrets"
    PII = "pii"
    PROMPTS = "prompts"
    GROUNDEDNESS = "groundedness"


FILES = {
    What.SECRETS: ("secrets_dev",),
    What.PII: ("pii_dev",),
    What.PROMPTS: ("prompts_dev_ood", "prompts_dev", "moderation_dev"),
    What.GROUNDEDNESS: ("groundedness_dev", "groundedness_dev_ood"),
}


def bench(
    what: Annotated[What, typer.Argument(help="Which guards; prompts are prompt_attack and moderation.")],
    data: Annotated[Path, typer.Option("--data", "-d", help="The folder of the Parquet files that are measured on.")],
    as_json: AsJson = False,
) -> None:
    """Measure guards as a policy would run them, on held-out files: recall where few benign texts are stopped, by kind,
    source and language; precision and recall of spans; calibration; milliseconds. Takes minutes for the models."""
    for name in FILES[what]:
        if not (data / f"{name}.parquet").is_file():
            raise BadInput(f"there is no {name}.parquet in it.", file=str(data))
    if what in (What.SECRETS, What.PII):
        _spans(what, data, as_json)
        return
    found = asyncio.run(_table(what, data))
    if as_json:
        typer.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
        return
    for row in found:
        typer.echo("  ".join(_cell(value) for value in row.values()))


def _cell(value: object) -> str:
    return f"{value:9.3f}" if isinstance(value, float) else f"{value!s:<24}"


def _spans(what: What, data: Path, as_json: bool) -> None:
    from guardrails.benchmark.spans import read, table
    from guardrails.guards.pii import Pii
    from guardrails.guards.secrets import Secrets

    guard = Secrets(guard="secrets") if what is What.SECRETS else Pii(guard="pii")
    found = table(guard, read(data / f"{FILES[what][0]}.parquet"))
    typer.echo(orjson.dumps(asdict(found), option=orjson.OPT_INDENT_2).decode() if as_json else found.markdown())


async def _table(what: What, data: Path) -> Sequence[dict[str, Any]]:
    try:
        from guardrails.training import bench, groundedness_table
    except ImportError as error:
        raise Missing.extra(str(error.name), "torch,train") from error
    with closing(LocalModels()) as models:
        if what is What.PROMPTS:
            return [asdict(row) for row in await bench.table(models, data)]
        return [asdict(row) for row in await groundedness_table.table(data, models, ask=False)]
