"""`sluice prompts` with all its commands."""

from __future__ import annotations

from gateway.cli import prompt_labels, prompts, prompts_exchange, prompts_sync
from gateway.cli.from_call import from_call

cli = prompts.cli
cli.add_typer(prompt_labels.cli)
cli.add_typer(prompts_exchange.cli)
cli.add_typer(prompts_sync.cli)
cli.command("from-call")(from_call)
