from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from evals.evidence import EvalEvidence

RUN: dict[str, Any] = {
    "release": "a" * 64,
    "baseline": "b" * 64,
    "suite": "c" * 64,
    "dataset": "d" * 64,
    "made": 1_800_000_000,
    "items": [{"id": "1", "candidate": {"pass": 1}, "baseline": {"pass": 0}}],
}


def test_a_run_survives_json() -> None:
    run = EvalEvidence.model_validate(RUN)
    assert EvalEvidence.model_validate_json(run.model_dump_json()) == run


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"verdict": "pass"}, "Extra inputs"),
        ({"release": "A" * 64}, "release"),
        ({"items": []}, "at least 1"),
        ({"items": RUN["items"] * 2}, "there twice"),
        ({"baseline": None}, "both have a baseline"),
        ({"items": [{"id": "1", "candidate": {"pass": 1}}]}, "both have a baseline"),
        ({"items": [{"id": "1", "candidate": {"pass": float("nan")}, "baseline": {"pass": 0}}]}, "finite"),
        ({"items": [{"id": "1", "candidate": {"pass": -1e300}, "baseline": {"pass": 0}}]}, "above"),
        ({"items": [{"id": "1", "candidate": {}, "baseline": {"pass": 0}}]}, "candidate"),
        ({"made": 0}, "greater than 0"),
    ],
)
def test_what_is_not_evidence_is_refused(change: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        EvalEvidence.model_validate(RUN | change)
