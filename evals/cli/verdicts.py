"""What a run ends with: what it came to, and where there is a gate its verdict."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import orjson
import typer
from msgspec import to_builtins

from evals.cli.exits import Exit
from evals.runs.log import Header
from evals.runs.runner import Arm
from evals.suite import Suite


def end(
    suite: Suite, arms: Sequence[Arm], headers: Sequence[Header], gate: bool, gate_file: Path | None, as_json: bool
) -> Exit:
    """How the command ends. Without a gate a run that is whole passes, whatever was scored."""
    if as_json:
        typer.echo(orjson.dumps({"runs": [to_builtins(header) for header in headers]}).decode())
    else:
        for arm, header in zip(arms, headers, strict=True):
            typer.echo(f"{arm.folder}  {header.state}, {header.asked} asked, {header.failed} failed")
    whole = all(header.state == "complete" and not header.failed for header in headers)
    return Exit.PASS if whole else Exit.INFRASTRUCTURE
