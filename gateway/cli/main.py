"""The command `sluice`. Each command lives in a module of its own, which is imported when it is asked for."""

from __future__ import annotations

import sys
from collections.abc import Mapping

import typer

from evals.errors import EvalError
from gateway import __version__
from gateway.cli.later import Later, LaterGroup
from gateway.errors import GatewayError
from guardrails.errors import GuardError

EPILOG = """\b
Start here:  sluice serve           then ask with the curl it prints
Then:        sluice apply -f FILE   declare prompts and endpoints
             sluice releases        what serves where
             sluice rollouts        from a proposal to production
             sluice eval            whether a change is better, proven
             sluice guard           what guards make of a text
             sluice redteam         how often attacks get through
             sluice calls           what happened
             sluice reviews         what guards did, for people to decide on
             sluice usage           what it took, by team or endpoint
             sluice doctor          what is missing, and how to mend it
"""


class Commands(LaterGroup):
    later: Mapping[str, Later] = {
        "serve": Later("gateway.cli.serve:serve", "Run the gateway."),
        "apply": Later("gateway.cli.apply:apply", "Bring the prompts and endpoints of a YAML manifest into force."),
        "releases": Later("gateway.cli.releases:cli", "Show each endpoint's live release."),
        "prompts": Later("gateway.cli.prompting:cli", "Write prompts, compare them, say which is in production."),
        "rollouts": Later("gateway.cli.rollouts:cli", "See a release through gate, shadow and canary to live."),
        "eval": Later("evals.cli.app:cli", "Run suites, compare runs, and prove that a change is good enough."),
        "guard": Later("guardrails.cli.app:cli", "Judge texts by guards; check, measure and train them."),
        "policies": Later("gateway.cli.policies:cli", "Show guard policies, and where they are in force."),
        "redteam": Later("gateway.cli.redteam:redteam", "Attack an endpoint, and tell how often that works."),
        "evidence": Later("gateway.cli.evidence:cli", "Post and read the evidence for releases."),
        "decisions": Later("gateway.cli.evidence:decisions", "Read, and add to, the signed records of decisions."),
        "endpoints": Later("gateway.cli.endpoints:cli", "See what serves, and what protects it."),
        "audit": Later("gateway.cli.audit:cli", "Read the log of every act, and check that it is whole."),
        "webhooks": Later("gateway.cli.webhooks:cli", "Have other systems told of every change."),
        "rollback": Later("gateway.cli.endpoints:rollback", "Take away what came last: a canary, else what is live."),
        "break-glass": Later("gateway.cli.endpoints:break_glass", "Go live at once; red until somebody reviews it."),
        "calls": Later("gateway.cli.calls:cli", "Show the records of recent calls, refused ones included."),
        "usage": Later("gateway.cli.usage:usage", "Show what each took, by whole days, the dearest first."),
        "feedback": Later("gateway.cli.feedback:feedback", "Say what became of a call, or show what was said."),
        "reviews": Later("gateway.cli.reviews:cli", "Look at what guards did, and decide on it."),
        "value": Later("gateway.cli.value:value", "Show what an endpoint costs and brings."),
        "retention": Later("gateway.cli.retention:cli", "Remove what is old enough, and hold what must stay."),
        "keys": Later("gateway.cli.keys:cli", "Mint, list, assign, rotate and revoke keys."),
        "teams": Later("gateway.cli.teams:cli", "Make, list and delete teams."),
        "projects": Later("gateway.cli.teams:projects", "Make, list and delete projects."),
        "limits": Later("gateway.cli.limits:cli", "Set, show and remove limits."),
        "config": Later("gateway.cli.config:cli", "Check the configuration and show it."),
        "import": Later("gateway.cli.imports:cli", "Make a configuration of another gateway ours."),
        "backup": Later("gateway.cli.backup:backup", "Write everything in the database to a backup."),
        "restore": Later("gateway.cli.backup:restore", "Put a backup in the place of everything in the database."),
        "doctor": Later("gateway.cli.doctor:doctor", "Say what is missing, and how to mend it."),
    }


cli = typer.Typer(
    name="sluice",
    cls=Commands,
    help="Sluicegate: an HTTP gateway for language models that lets only proven changes reach production.",
    epilog=EPILOG,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"sluice {__version__}")
        raise typer.Exit


@cli.callback()
def root(version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Show it.")) -> None:
    pass


def app() -> None:
    """The entry point: a `GatewayError` is one clear line and exit status 1, never a traceback."""
    try:
        cli(prog_name="sluice")
    except GatewayError as error:
        typer.secho(f"sluice: {error.message}", fg="red", err=True)
        sys.exit(1)
    except EvalError as error:
        from evals.cli import exits

        exits.leave(error)
    except GuardError as error:
        from guardrails.cli.app import leave

        leave(error)
    except Exception:  # noqa: BLE001 - whatever it is, it is no verdict
        from evals.cli import exits

        exits.crash()
