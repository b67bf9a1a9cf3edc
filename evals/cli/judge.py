"""`sluice eval judge`: how good the judges of a suite are."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from evals.cli import options
from evals.cli.exits import Exit
from evals.errors import BadInput
from evals.suite import Suite, read
from evals.validity import LEAST_GRADED, LEAST_LABELLED

if TYPE_CHECKING:
    from evals.judges.card import Card, Found, Grading, Share


def judge(
    suite: options.SuiteFile,
    name: Annotated[str, typer.Argument(help="One of the suite's judges.")],
    again: Annotated[
        bool, typer.Option("--again", help="Ask it anew, and say whether it has moved since it was calibrated.")
    ] = False,
    alpha: Annotated[
        float,
        typer.Option(help="With --again: how often one that has not moved may be said to have.", min=1e-6, max=0.2),
    ] = 0.01,
    answers: options.Answers = None,
    as_json: options.AsJson = False,
) -> None:
    """Calibrate a judge: ask it about the answers in its `calibration` file, which people have labelled, and keep what
    came of it in a card beside them. Until then, and below the quality that it is to have, a judge advises and proves
    nothing. Labels are JSON Lines: {"input": …, "output": …, "right": true}, or "grade": 4 for a judge with a scale;
    for one of pairs "other": …, "better": "output", "other" or "tie".

    With --again it is asked about them once more, whatever was kept of it, and held against its card. Ends with 0 where
    it is steady and 1 where it has moved: the card says so from then on, and gates are invalid until it is calibrated
    anew."""
    held = read(suite)
    if name not in held.judges:
        raise BadInput(f"{suite} has no judge {name!r}; it has {', '.join(held.judges) or 'none'}.")
    if again:
        _again(held, name, alpha, as_json)
        return
    from evals.judges.calibration import calibrate
    from evals.runs.answers import AnswersFile

    kept = AnswersFile(answers or Path(".sluice") / "answers.db")
    card = calibrate(held.judges[name], held.folder, held.limits, kept)
    kept.close()
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(card), indent=1).decode())
    else:
        _show(card, held.judges[name].least)


def _again(held: Suite, name: str, alpha: float, as_json: bool) -> None:
    from evals.judges.sentinel import recheck

    found = recheck(held.judges[name], held.folder, held.limits, alpha)
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(found), indent=1).decode())
    else:
        _show_found(found)
    raise typer.Exit(Exit.FAIL if found.moved else Exit.PASS)


def _show_found(found: Found) -> None:
    for shift in found.shifts:
        means = "none" if shift.then is None or shift.now is None else f"{shift.then:.3f} then, {shift.now:.3f} now"
        typer.echo(f"{shift.what:<28} {means}, of {shift.n}: p = {shift.p:.2g}")
    on = time.strftime("%Y-%m-%d", time.gmtime(found.at))
    together = f"p = {found.p:.2g} for all together"
    typer.echo(
        f"It has moved, as was found on {on} ({together}). It proves nothing until it is calibrated anew."
        if found.moved
        else f"It is steady ({together}; below {found.alpha:g} it would have moved)."
    )


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
