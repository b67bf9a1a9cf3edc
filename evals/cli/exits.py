"""How commands end, for scripts and CI."""

from __future__ import annotations

import sys
import traceback
from enum import IntEnum
from typing import NoReturn

import typer

from evals.errors import BadInput, EvalError
from evals.gate import Verdict


class Exit(IntEnum):
    PASS = 0
    FAIL = 1
    BAD_INPUT = 2
    """A suite, an option or a file that cannot be used; nothing is known of the candidate."""
    UNDERPOWERED = 3
    INVALID = 4
    INFRASTRUCTURE = 5
    """A target, a judge or the gateway gave no answer, or the budget was spent: run it again, it goes on."""
    FAULT = 70
    """A fault of this program: no verdict."""


OF_VERDICT: dict[Verdict, Exit] = {
    "pass": Exit.PASS,
    "fail": Exit.FAIL,
    "underpowered": Exit.UNDERPOWERED,
    "invalid": Exit.INVALID,
}

EPILOG = "Ends with 0 pass, 1 fail, 2 bad input, 3 underpowered, 4 invalid, 5 infrastructure: run it again, it goes on."


def leave(error: EvalError) -> None:
    """Says what went wrong, and ends the process."""
    typer.secho(f"sluice: {error.message}", fg="red", err=True)
    sys.exit(Exit.BAD_INPUT if isinstance(error, BadInput) else Exit.INFRASTRUCTURE)


def crash() -> NoReturn:
    """Says where this program was at fault, and ends the process: not as one that found a candidate to fail."""
    traceback.print_exc()
    sys.exit(Exit.FAULT)
