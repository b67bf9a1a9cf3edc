"""`sluice eval judge`: how good the judges of a suite are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from evals.cli import options
from evals.errors import BadInput
from evals.suite import read

if TYPE_CHECKING:
    from evals.judges.calibration import Card, Share


def judge(
    suite: options.SuiteFile,
    name: Annotated[str, typer.Argument(help="One of the suite's judges.")],
    answers: options.Answers = None,
    as_json: options.AsJson = False,
) -> None:
    """Calibrate a judge: ask it about the answers in its `calibration` file, which people have labelled, and keep what
    came of it in a card beside them. Until then, and below the quality that it is to have, a judge advises and proves
    nothing. Labels are JSON Lines: {"input": …, "output": …, "right": true}."""
    from evals.judges.calibration import calibrate
    from evals.runs.answers import AnswersFile

    held = read(suite)
    if name not in held.judges:
        raise BadInput(f"{suite} has no judge {name!r}; it has {', '.join(held.judges) or 'none'}.")
    kept = AnswersFile(answers or Path(".sluice") / "answers.db")
    card = calibrate(held.judges[name], held.folder, held.limits, kept)
    kept.close()
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(card), indent=1).decode())
    else:
        _show(card, held.judges[name].least)


def _show(card: Card, least: float) -> None:
    right = card.counts["true_right"] + card.counts["false_wrong"]
    wrong = card.counts["true_wrong"] + card.counts["false_right"]
    typer.echo(f"judge        {card.judge}")
    typer.echo(f"sensitivity  {_said(card.sensitivity)} of {right} right answers called right")
    typer.echo(f"specificity  {_said(card.specificity)} of {wrong} wrong answers called wrong")
    typer.echo(f"kappa        {_said(card.kappa)}")
    if card.unread or card.failed:
        typer.echo(f"not counted  {card.unread} said neither yes nor no, {card.failed} never came")
    values = (card.sensitivity.value or 0.0, card.specificity.value or 0.0)
    enough = min(right, wrong) >= 30 and min(values) >= least
    typer.echo(
        "It can prove something."
        if enough
        else f"It advises, and proves nothing: it takes 30 labels of each, and {least:.0%} of both."
    )


def _said(share: Share) -> str:
    return "unknown" if share.value is None else f"{share.value:.3f} [{share.low:.3f}, {share.high:.3f}]"
