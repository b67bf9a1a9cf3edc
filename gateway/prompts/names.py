"""Names of prompts, with folders as in `support/greeting`, and references to their versions."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

SEGMENT = r"[a-z0-9][a-z0-9._-]*"
PATH = rf"{SEGMENT}(?:/{SEGMENT})*"
LONGEST = 64
RESERVED = frozenset(("branches", "comments", "diff", "labels", "merge", "render", "versions"))
"""What the admin API has below a prompt; no folder and no prompt in one is called so."""

_REFERENCE = re.compile(rf"({PATH})(?:@({SEGMENT}))?")


def _free(name: str) -> str:
    taken = RESERVED.intersection(name.split("/"))
    if taken:
        raise ValueError(f"{min(taken)!r} is no name of a prompt or a folder")
    return name


PromptName = Annotated[str, Field(pattern=rf"^{PATH}$", max_length=LONGEST), AfterValidator(_free)]


def split_reference(reference: str) -> tuple[str, str | None] | None:
    """`name`, `name@3` or `name@production`: the name, and what follows the @; None for anything else."""
    found = _REFERENCE.fullmatch(reference)
    return (found[1], found[2]) if found is not None and len(found[1]) <= LONGEST else None
