"""`python -m guardrails.server`: the same as `sluice guard serve`."""

from __future__ import annotations

import typer

from guardrails.cli.app import leave
from guardrails.cli.serve import serve
from guardrails.errors import GuardError

if __name__ == "__main__":
    try:
        typer.run(serve)
    except GuardError as error:
        leave(error)
