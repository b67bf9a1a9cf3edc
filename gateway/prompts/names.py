"""Names of prompts, with folders as in `support/greeting`, and references to their versions."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

SEGMENT = r"[a-z0-9][a-z0-9._-]*"
PATH = rf"{SEGMENT}(?:/{SEGMENT})*"
LONGEST = 64
RESERVED = frozenset(("branches", "comments", "diff", "labels", "merge", "render", "versions"))
"""What the admin API has below a prompt; no folder and no prompt in one is called so."""

MADE_OF = (
    "a name is of small letters, digits, `.`, `_` and `-`, with `/` after each folder; it and each folder begin with a "
    "letter or a digit, and end with no `.`"
)
"""Dots within are harmless to files called so. Those at an end are left out by some file systems, so that `a./b` and
`a/b` would be one file."""

_REFERENCE = re.compile(rf"({PATH})(?:@({SEGMENT}))?")


def _checked(name: str) -> str:
    if len(name) > LONGEST:
        raise ValueError(f"a name has at most {LONGEST} characters, its folders included")
    if re.fullmatch(PATH, name) is None or any(part.endswith(".") for part in name.split("/")):
        raise ValueError(MADE_OF)
    taken = RESERVED.intersection(name.split("/"))
    if taken:
        raise ValueError(f"{min(taken)!r} is no name of a prompt or a folder")
    return name


PromptName = Annotated[str, AfterValidator(_checked)]


def split_reference(reference: str) -> tuple[str, str | None] | None:
    """`name`, `name@3` or `name@production`: the name, and what follows the @; None for anything else."""
    found = _REFERENCE.fullmatch(reference)
    return (found[1], found[2]) if found is not None and len(found[1]) <= LONGEST else None
