"""The commands of `sluice eval`."""

from __future__ import annotations

import typer

from evals.cli import (
    assess,
    check,
    contamination,
    diff,
    freeze,
    imports,
    judge,
    people,
    plan,
    report,
    run,
    schema,
    show,
)
from evals.cli.exits import EPILOG, crash, leave
from evals.errors import EvalError

cli = typer.Typer(
    name="eval",
    help="Run suites, compare runs, and prove that a change is good enough to go live.",
    epilog=EPILOG,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
cli.command("run", epilog=EPILOG)(run.run)
cli.command("check")(check.check)
cli.command("plan")(plan.plan)
cli.command("assess", epilog=assess.EPILOG)(assess.assess)
cli.command("contamination")(contamination.contamination)
cli.command("diff")(diff.diff)
cli.command("report")(report.report)
cli.command("judge")(judge.judge)
cli.command("people")(people.people)
cli.add_typer(imports.cli, name="import")
cli.command("freeze")(freeze.freeze)
cli.command("schema")(schema.schema)
cli.command("show")(show.show)


def main() -> None:
    try:
        cli(prog_name="python -m evals")
    except EvalError as error:
        leave(error)
    except Exception:  # noqa: BLE001 - whatever it is, it is no verdict
        crash()
