"""`sluice eval report`: a run in the form that somebody else reads."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import msgspec
import typer


def report(
    run: Annotated[Path, typer.Argument(help="The folder of a run.")],
    form: Annotated[
        Literal["html", "markdown", "junit", "json"],
        typer.Option("--format", "-f", help="For people, a pull request, a CI server, or machines."),
    ] = "markdown",
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write it there.", show_default=False)] = None,
) -> None:
    """Show what came of a run: the verdict with its reasons, each metric beside the baseline's, and what changed."""
    from evals.reports.html import html
    from evals.reports.junit import junit
    from evals.reports.markdown import markdown
    from evals.reports.report import read

    found = read(run)
    text = {"html": html, "markdown": markdown, "junit": junit, "json": _json}[form](found)
    if out is None:
        typer.echo(text, nl=False)
    else:
        out.write_text(text, encoding="utf-8")


def _json(found: object) -> str:
    return msgspec.json.format(msgspec.json.encode(found), indent=1).decode() + "\n"
