"""The commands of `sluice guard`, and how they end."""

from __future__ import annotations

import sys

import typer

from guardrails.cli import bench, check, explain, kinds, score, serve, train
from guardrails.errors import BadInput, GuardError

EPILOG = "Ends with 0, 1 where a text would be stopped (explain), 2 bad input, 5 a guard could not judge (explain)."

cli = typer.Typer(
    name="guard",
    help="Judge texts by guards: explain what a policy makes of one, score a file, check a policy, measure and train.",
    epilog=EPILOG,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
cli.command("explain", epilog=EPILOG)(explain.explain)
cli.command("score")(score.score)
cli.command("bench")(bench.bench)
cli.command("train")(train.train)
cli.command("serve")(serve.serve)
cli.command("check")(check.check)
cli.command("list")(kinds.kinds)


def leave(error: GuardError) -> None:
    """Says what went wrong, and ends the process."""
    typer.secho(f"sluice: {error.message if not isinstance(error, BadInput) else error}", fg="red", err=True)
    sys.exit(2 if isinstance(error, BadInput) else 5)


def main() -> None:
    try:
        cli(prog_name="python -m guardrails")
    except GuardError as error:
        leave(error)
