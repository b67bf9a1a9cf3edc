"""Files of examples: read into a policy when that is loaded, so that its digest covers them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from guardrails.errors import BadInput
from guardrails.passage import STAGES

REASON = 1000
"""Characters of a reason that are kept."""


def rows(file: Path) -> Iterator[dict[str, Any]]:
    """JSON lines, each an object with a `text`, and `label` 1 or 0 or `attack` true or false; comes with both. Raises
    `BadInput` with the line of what is no example."""
    try:
        written = file.read_text("utf-8").splitlines()
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}.", file=str(file)) from error
    except UnicodeDecodeError as error:
        raise BadInput("is not UTF-8.", file=str(file)) from error
    for number, line in enumerate(written, 1):
        if line.strip():
            yield _row(line, str(file), number)


def _row(line: str, file: str, number: int) -> dict[str, Any]:
    try:
        given = json.loads(line)
    except ValueError as error:
        raise BadInput(f"is no JSON: {error}.", file=file, line=number) from error
    if not isinstance(given, dict) or not isinstance(given.get("text"), str) or not given["text"].strip():
        raise BadInput("an example is an object with a `text`.", file=file, line=number)
    label = given.get("label", given.get("attack"))
    if label not in (0, 1):
        raise BadInput("an example has a `label`, 0 or 1, or `attack`, true or false.", file=file, line=number)
    return {**given, "label": int(label), "attack": bool(label)}


def inlined(policy: Any, folder: Path) -> Any:
    """A policy as it was written, with the examples of each file that a guard names in place of the name, which is
    relative to `folder`. Raises `BadInput`."""
    if not isinstance(policy, dict):
        return policy
    changed = {stage: [_filled(guard, folder) for guard in policy[stage]] for stage in STAGES if _listed(policy, stage)}
    return {**policy, **changed}


def _listed(policy: Mapping[str, Any], stage: str) -> bool:
    return isinstance(policy.get(stage), list)


def _filled(guard: Any, folder: Path) -> Any:
    if not isinstance(guard, dict) or not isinstance(guard.get("examples"), str):
        return guard
    read = [
        {"text": row["text"], "attack": row["attack"], "reason": str(row.get("reason") or "")[:REASON]}
        for row in rows(folder / guard["examples"])
    ]
    return {**guard, "examples": read}
