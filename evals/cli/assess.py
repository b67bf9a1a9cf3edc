"""`sluice eval assess`: an evaluation plan, and the recommendation that its runs lead to."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
import typer

from evals.errors import BadInput

if TYPE_CHECKING:
    from evals.evaluation.assessment import Assessment
    from evals.evaluation.plan import Plan
    from evals.evaluation.recommendation import Outcome

EXITS: Mapping[Outcome, int] = {"proceed": 0, "return_to_phase": 1, "proceed_with_conditions": 3}
EPILOG = (
    "Ends with 0 proceed, 1 return to a phase, 2 bad input (a run that is not there is one), 3 proceed with conditions."
)


def assess(
    plan: Annotated[Path, typer.Argument(help="The plan, as evaluation.yaml.")],
    run: Annotated[
        list[str] | None,
        typer.Option("--run", help="NAME=FOLDER: where a run of the plan is, in place of what it says.", metavar="RUN"),
    ] = None,
    measurements: Annotated[
        Path | None,
        typer.Option(
            "--measurements", "-m", help="What was measured elsewhere. Default: the plan's file.", show_default=False
        ),
    ] = None,
    form: Annotated[
        Literal["html", "markdown", "json"],
        typer.Option("--format", "-f", help="For people, a pull request, or machines."),
    ] = "markdown",
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Write it there.", show_default=False)] = None,
    new: Annotated[bool, typer.Option("--new", help="Write a plan to begin with, and end.")] = False,
    seal: Annotated[bool, typer.Option("--seal", help="Note that the plan is settled as it is now, and end.")] = False,
) -> None:
    """Hold runs against a plan that was settled before them, and recommend: proceed, proceed with conditions, or return
    to a phase of CPMAI. Technical and business KPIs stand side by side, with what is left on unseen data and bias by
    slice. All of it is worked out from the logs of runs.

    Begin with --new, write what has to be shown, --seal it, make its runs with `sluice eval run`, then assess."""
    if new:
        _begin(plan)
        return
    from evals.evaluation.plan import read

    held = read(plan)
    if seal:
        _seal(held)
        return
    found = _assessed(held, _folders(run or ()), measurements)
    text = _text(found, form)
    if out is None:
        typer.echo(text, nl=False)
    else:
        _write(out, text)
        typer.echo(f"{found.recommendation.words}: {out}")
    raise typer.Exit(EXITS[found.recommendation.outcome])


def _assessed(plan: Plan, folders: Mapping[str, Path], measurements: Path | None) -> Assessment:
    from evals.evaluation.assessment import Given
    from evals.evaluation.assessment import assess as worked_out
    from evals.evaluation.measurements import read as read_measurements
    from evals.evaluation.runs import read as read_runs
    from evals.evaluation.seal import read as read_seals

    named = plan.folder / plan.file.measurements if plan.file.measurements is not None else None
    path = measurements or (named if named is not None and named.exists() else None)
    given = Given(
        runs=read_runs(plan, folders),
        measurements=read_measurements(path) if path is not None else None,
        seals=tuple(read_seals(plan.path)),
        now=time.time(),
        version=version("sluicegate"),
    )
    return worked_out(plan, given)


def _text(found: Assessment, form: str) -> str:
    if form == "html":
        from evals.evaluation.html import html

        return html(found)
    if form == "markdown":
        from evals.evaluation.markdown import markdown

        return markdown(found)
    return msgspec.json.format(msgspec.json.encode(found), indent=1).decode() + "\n"


def _folders(given: Sequence[str]) -> dict[str, Path]:
    found = {}
    for one in given:
        name, equals, folder = one.partition("=")
        if not (name and equals and folder):
            raise BadInput(f"--run {one}: write --run NAME=FOLDER.")
        found[name] = Path(folder)
    return found


def _begin(path: Path) -> None:
    if path.exists():
        raise BadInput(f"{path} is there already: name another file.")
    _write(path, files("evals.evaluation").joinpath("template.yaml").read_text(encoding="utf-8"))
    typer.echo(f"{path} is a plan to begin with: say what has to be shown, and seal it before anything is run.")


def _seal(plan: Plan) -> None:
    from evals.evaluation.integrity import moment
    from evals.evaluation.seal import path_of
    from evals.evaluation.seal import seal as sealed

    made = sealed(plan, time.time(), version("sluicegate"))
    typer.echo(f"{plan.file.evaluation} {made.digest[:12]} sealed {moment(made.at)}, in {path_of(plan.path)}")


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadInput(f"{path} cannot be written: {error.strerror}.") from error
