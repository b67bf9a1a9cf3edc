"""The verdict of a whole gate on a run, and `gate.json`, which holds it with all that it rests on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from pydantic import Field

from evals import parts
from evals.errors import BadInput
from evals.evidence import EvalEvidence, digest_of
from evals.gate import Decision, Requirement, Verdict, decide
from evals.parts import Part
from evals.sample import Json

RANK: tuple[Verdict, ...] = ("fail", "invalid", "underpowered", "pass")
"""Which of several verdicts a gate as a whole comes to: the first that any requirement has."""


class GateFile(Part):
    """A gate as `sluice endpoints gate set` takes it. `approvals` are for the gateway to ask for."""

    requires: tuple[Requirement, ...] = Field(min_length=1, max_length=50)
    approvals: int = Field(1, ge=0, le=5)


@dataclass(frozen=True, slots=True)
class Judged:
    """What one requirement came to; None where the run is of another suite than it asks for."""

    requirement: Requirement
    decision: Decision | None


def read_gate(path: Path) -> GateFile:
    """A `suite` may be the path of a suite, relative to the file, in place of its digest. Raises `BadInput` with the
    line."""
    document = parts.load(path)
    return parts.checked(GateFile, digested(document.value, path), document, path)


def digested(gate: Any, path: Path) -> Any:
    """A gate as it stands in a file, the paths of suites replaced by their digests. Raises `BadInput`."""
    for number, requirement in enumerate(_requires(gate)):
        named = requirement.get("suite")
        if isinstance(named, str) and named.endswith((".yaml", ".yml")):
            requirement["suite"] = _digest(path.parent / named, path, number)
    return gate


def judge(requires: Sequence[Requirement], evidence: EvalEvidence, now: float, before: int = 0) -> list[Judged]:
    """As if no other release were judged on the dataset, and so many runs of this one: a gateway knows better, and has
    the last word."""
    return [
        Judged(one, decide(one, evidence, now, before) if one.suite == evidence.suite else None) for one in requires
    ]


def decided(judged: Sequence[Judged]) -> bool:
    """Whether more items would change nothing: all passed, or one never will."""
    verdicts = [one.decision.verdict for one in judged if one.decision is not None]
    return any(verdict in ("fail", "invalid") for verdict in verdicts) or all(verdict == "pass" for verdict in verdicts)


def overall(judged: Sequence[Judged]) -> Verdict:
    """Every requirement must be shown, each at its own error (intersection-union; Berger 1982). One that there is no
    evidence for leaves the gate underpowered."""
    found: set[Verdict] = {one.decision.verdict if one.decision is not None else "underpowered" for one in judged}
    return next(verdict for verdict in RANK if verdict in found)


def gate_json(judged: Sequence[Judged], evidence: EvalEvidence, proof: Json | None) -> Json:
    """`proof` is the gateway's own, signed by it; without one the verdict is this process's word alone."""
    body = evidence.model_dump(mode="json", exclude_none=True)
    return {
        "verdict": overall(judged),
        "release": evidence.release,
        "baseline": evidence.baseline,
        "suite": evidence.suite,
        "dataset": evidence.dataset,
        "evidence": digest_of(body),
        "items": len(evidence.items),
        "requires": [
            {
                "requirement": one.requirement.model_dump(mode="json"),
                "verdict": one.decision.model_dump(mode="json") if one.decision is not None else None,
            }
            for one in judged
        ],
        "proof": proof,
    }


def read_verdict(path: Path) -> Json | None:
    """A `gate.json` as it was written; None where there is none. Raises `BadInput` for anything else."""
    try:
        found = orjson.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}.", file=str(path)) from error
    except orjson.JSONDecodeError as error:
        raise BadInput(f"is not JSON: {error}.", file=str(path)) from error
    if not isinstance(found, dict) or not {"verdict", "evidence", "requires"} <= found.keys():
        raise BadInput("is not what a gate came to.", file=str(path))
    return found


def of_proof(proof: Json) -> list[Judged]:
    """What a gateway worked out."""
    return [
        Judged(
            Requirement.model_validate(one["requirement"]),
            Decision.model_validate(one["verdict"]) if one["verdict"] is not None else None,
        )
        for one in proof["requires"]
    ]


def _requires(value: Any) -> list[dict[str, Any]]:
    found = value.get("requires") if isinstance(value, dict) else None
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _digest(suite: Path, path: Path, number: int) -> str:
    from evals.suite import read

    try:
        return read(suite).digest
    except BadInput as error:
        raise BadInput(str(error), file=str(path), place=f"requires.{number}.suite") from error
