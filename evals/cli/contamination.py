"""`sluice eval contamination`: which items of a suite a candidate may have learnt from."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.text import Text

from evals.cli.options import AsJson
from evals.contamination.cleared import read_cleared
from evals.contamination.findings import Finding, Findings
from evals.errors import BadInput
from evals.suite import Suite, read


def contamination(
    suite: Annotated[Path, typer.Argument(help="A suite in YAML.")],
    against: Annotated[
        list[Path] | None,
        typer.Option("--against", "-a", help="A file to look in, beside the suite's own; again for more."),
    ] = None,
    release: Annotated[
        str | None, typer.Option(help="Look in the prompt of this release, on the gateway, too.", show_default=False)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show which items stand, word for word or nearly, in training data, documents or a prompt, and what matched.

    Not all that looks alike is known: a person who finds that an item is not clears the finding by its digest, with a
    reason, in the file that the suite names under `contamination: {cleared: FILE}`.
    """
    from evals.contamination.known import look

    held = read(suite)
    sets = (*held.contamination.sets, *(os.path.relpath(path, held.folder) for path in against or ()))
    held = replace(held, contamination=held.contamination.model_copy(update={"sets": sets}))
    found = look(held, _prompt(release))
    if found is None:
        raise BadInput("There is nothing to look in: name a file with --against, or a release with --release.")
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(found), indent=1).decode())
        return
    _show(held, found)


def _prompt(release: str | None) -> list[dict[str, object]]:
    if release is None:
        return []
    from evals.gateway import Gateway

    with Gateway() as gateway:
        return gateway.prompt_of(release)


def _show(suite: Suite, found: Findings) -> None:
    cleared = suite.contamination.cleared
    reasons = read_cleared(suite.folder / cleared) if cleared is not None else {}
    told = found.evidence(reasons)
    looked = ", ".join(f"{name} ({count:,} texts)" for name, count in found.texts.items())
    typer.echo(f"{told.found} of {found.items:,} items are known from {looked}; {told.cleared} more were cleared.")
    questions = {sample.id: sample.question for sample in suite.dataset.samples}
    console = Console(soft_wrap=True)
    for finding in found.found:
        if finding.digest not in reasons:
            console.print(_line(finding))
            console.print(_marked(finding, questions.get(finding.item, "")))
            console.print(Text(f"    {finding.set}, {finding.place}: {finding.text}", style="dim"))


def _line(finding: Finding) -> Text:
    return Text(f"{finding.item}  {finding.how}, {finding.share:.0%}  {finding.digest}", style="bold")


def _marked(finding: Finding, question: str) -> Text:
    """The item, what matched in colour."""
    text = Text("    " + question)
    for span in finding.in_item:
        text.stylize("red", 4 + span.start, 4 + span.end)
    return text
