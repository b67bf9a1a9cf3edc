"""`sluice eval judge`: how good the judges of a suite are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from evals.cli import options
from evals.errors import BadInput
from evals.suite import read
from evals.validity import LEAST_GRADED, LEAST_LABELLED

if TYPE_CHECKING:
    from evals.judges.card import Card, Grading, Share


def judge(
    suite: options.SuiteFile,
    name: Annotated[str, typer.Argument(help="One of the suite's judges.")],
    answers: options.Answers = None,
    as_json: options.AsJson = False,
) -> None:
    """Calibrate a judge: ask it about the answers in its `calibration` file, which people have labelled, and keep what
    came of it in a card beside them. Until then, and below the quality that it is to have, a judge advises and proves
    nothing. Labels are JSON Lines: {"input": …, "output": …, "right": true}, or "grade": 4 for a judge with a scale;
    for one of pairs "other": …, "better": "output", "other" or "tie"."""
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
    typer.echo(f"judge        {card.judge}")
    proves, takes = _of_grades(card.grading, least) if card.grading is not None else _of_yes_and_no(card, least)
    if card.unread or card.failed:
        typer.echo(f"not counted  {card.unread} could not be read, {card.failed} never came")
    typer.echo("It can prove something." if proves else f"It advises, and proves nothing: it takes {takes}.")


def _of_yes_and_no(card: Card, least: float) -> tuple[bool, str]:
    """Whether it can prove something, and what that takes."""
    right = card.counts["true_right"] + card.counts["false_wrong"]
    wrong = card.counts["true_wrong"] + card.counts["false_right"]
    typer.echo(f"sensitivity  {_said(card.sensitivity)} of {right} right answers called right")
    typer.echo(f"specificity  {_said(card.specificity)} of {wrong} wrong answers called wrong")
    typer.echo(f"kappa        {_said(card.kappa)}")
    values = (card.sensitivity.value or 0.0, card.specificity.value or 0.0)
    enough = min(right, wrong) >= LEAST_LABELLED and min(values) >= least
    return enough, f"{LEAST_LABELLED} labels of each, and {least:.0%} of both"


def _of_grades(grading: Grading, least: float) -> tuple[bool, str]:
    typer.echo(
        f"agreement    {_said(grading.alpha)} with people's grades of {grading.n} answers (Krippendorff's alpha)"
    )
    typer.echo(f"bias         {_said(grading.bias)} of the scale, more than people on average")
    if grading.steady is not None:
        typer.echo(f"steady       {_said(grading.steady)} of pairs, whichever answer stands first")
    enough = grading.n >= LEAST_GRADED and (grading.alpha.value or 0.0) >= least
    return enough, f"{LEAST_GRADED} grades, and an agreement of {least:.2f}"


def _said(share: Share) -> str:
    return "unknown" if share.value is None else f"{share.value:.3f} [{share.low:.3f}, {share.high:.3f}]"
