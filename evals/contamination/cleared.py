"""What people looked at and found to be no contamination: a file beside the suite.

cleared:
  - {finding: 0123456789abcdef, reason: a greeting that everybody uses, by: ada}
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import Field

from evals import parts
from evals.errors import BadInput
from evals.parts import Part


class Cleared(Part):
    """`finding` is a finding's digest. It holds for the two texts, wherever they stand: changed ones are found anew."""

    finding: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    reason: Annotated[str, Field(min_length=1, max_length=1000)]
    by: str | None = None


class ClearedFile(Part):
    cleared: tuple[Cleared, ...] = ()


def read_cleared(path: Path) -> Mapping[str, str]:
    """Reasons by digest. Raises `BadInput` with the line, for a digest that is there twice too."""
    document = parts.load(path)
    found: dict[str, str] = {}
    for number, one in enumerate(parts.parse(ClearedFile, document, path).cleared):
        if one.finding in found:
            line = document.line(("cleared", number))
            raise BadInput(f"{one.finding} is cleared twice.", file=str(path), line=line, place=f"cleared.{number}")
        found[one.finding] = one.reason
    return found
