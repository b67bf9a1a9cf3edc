"""When a plan was settled: its digest with the time, a line each time it was sealed, in a file beside it.

The file is worth what the place is worth that it is kept in: under Git, it is in the history before the runs are.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from evals.errors import BadInput
from evals.evaluation.plan import Plan


class Seal(msgspec.Struct, frozen=True):
    """`at` is Unix time."""

    digest: str
    at: float
    version: str = ""


def path_of(plan: Path) -> Path:
    return plan.with_name(f"{plan.stem}.sealed.jsonl")


def read(plan: Path) -> list[Seal]:
    """Oldest first; none where it was never sealed. Raises `BadInput`."""
    path = path_of(plan)
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}.", file=str(path)) from error
    found = []
    for number, line in enumerate(lines, 1):
        try:
            found.append(msgspec.json.decode(line, type=Seal))
        except msgspec.DecodeError as error:
            raise BadInput(f"not a seal: {error}.", file=str(path), line=number) from error
    return found


def seal(plan: Plan, now: float, version: str) -> Seal:
    """The seal of the plan as it is: what was sealed already stays as it is. Raises `BadInput`."""
    before = next((one for one in read(plan.path) if one.digest == plan.digest), None)
    if before is not None:
        return before
    made = Seal(plan.digest, now, version)
    path = path_of(plan.path)
    try:
        with path.open("ab") as file:
            file.write(msgspec.json.encode(made) + b"\n")
    except OSError as error:
        raise BadInput(f"cannot be written: {error.strerror}.", file=str(path)) from error
    return made
