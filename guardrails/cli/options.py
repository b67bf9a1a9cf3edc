"""Options that several commands take."""

from __future__ import annotations

from typing import Annotated

import typer

from guardrails.errors import BadInput
from guardrails.passage import STAGES, Stage

STAGE_HELP = f"Where it stands: {', '.join(STAGES)}."
AsJson = Annotated[bool, typer.Option("--json", help="For machines.")]
POLICY_HELP = "A policy in YAML, FILE or FILE#NAME of a manifest, or the name of one that is shipped."
PolicyName = Annotated[str, typer.Option("--policy", "-p", help=POLICY_HELP, metavar="POLICY")]


def stage_of(name: str) -> Stage:
    """Raises `BadInput` for one that there is not."""
    for stage in STAGES:
        if stage == name:
            return stage
    raise BadInput(f"--stage is one of {', '.join(STAGES)}, and not {name[:40]!r}.")
