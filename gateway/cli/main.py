"""The command `sluice`. Each command lives in a module of its own."""

from __future__ import annotations

import sys

import typer

from evals.cli import exits
from evals.cli.app import cli as evals
from evals.errors import EvalError
from gateway import __version__
from gateway.cli import (
    apply,
    audit,
    backup,
    calls,
    config,
    contents,
    doctor,
    endpoints,
    evidence,
    feedback,
    from_call,
    imports,
    keys,
    limits,
    policies,
    prompt_labels,
    prompts,
    prompts_exchange,
    prompts_sync,
    redteam,
    releases,
    retention,
    reviews,
    rollouts,
    serve,
    teams,
    usage,
    value,
    webhooks,
)
from gateway.errors import GatewayError
from guardrails.cli.app import cli as guards
from guardrails.cli.app import leave
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

cli = typer.Typer(
    name="sluice",
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


cli.command("serve")(serve.serve)
cli.command("apply")(apply.apply)
cli.add_typer(releases.cli, name="releases")
prompts.cli.add_typer(prompt_labels.cli)
prompts.cli.add_typer(prompts_exchange.cli)
prompts.cli.add_typer(prompts_sync.cli)
prompts.cli.command("from-call")(from_call.from_call)
cli.add_typer(prompts.cli, name="prompts")
cli.add_typer(rollouts.cli, name="rollouts")
cli.add_typer(evals, name="eval")
cli.add_typer(guards, name="guard")
cli.add_typer(policies.cli, name="policies")
cli.command("redteam", epilog=redteam.EPILOG)(redteam.redteam)
cli.add_typer(evidence.cli, name="evidence")
cli.add_typer(evidence.decisions, name="decisions")
cli.add_typer(endpoints.cli, name="endpoints")
cli.add_typer(audit.cli, name="audit")
cli.add_typer(webhooks.cli, name="webhooks")
cli.command("rollback")(endpoints.rollback)
cli.command("break-glass")(endpoints.break_glass)
calls.cli.command("content")(contents.content)
cli.add_typer(calls.cli, name="calls")
cli.command("usage")(usage.usage)
cli.command("feedback")(feedback.feedback)
cli.add_typer(reviews.cli, name="reviews")
cli.command("value")(value.value)
cli.add_typer(retention.cli, name="retention")
cli.add_typer(keys.cli, name="keys")
cli.add_typer(teams.cli, name="teams")
cli.add_typer(teams.projects, name="projects")
cli.add_typer(limits.cli, name="limits")
cli.add_typer(config.cli, name="config")
cli.add_typer(imports.cli, name="import")
cli.command("backup")(backup.backup)
cli.command("restore")(backup.restore)
cli.command("doctor")(doctor.doctor)


def app() -> None:
    """The entry point: a `GatewayError` is one clear line and exit status 1, never a traceback."""
    try:
        cli(prog_name="sluice")
    except GatewayError as error:
        typer.secho(f"sluice: {error.message}", fg="red", err=True)
        sys.exit(1)
    except EvalError as error:
        exits.leave(error)
    except GuardError as error:
        leave(error)
    except Exception:  # noqa: BLE001 - whatever it is, it is no verdict
        exits.crash()
