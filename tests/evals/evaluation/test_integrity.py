"""What an evaluation rests on: one candidate, a gate of these results, and a plan that was settled first."""

from __future__ import annotations

from pathlib import Path

import pytest

from evals.errors import BadInput
from evals.evaluation.integrity import gates, one_candidate, sealed
from evals.evaluation.seal import Seal, path_of, read, seal
from tests.evals.evaluation.making import SUITE, plan_of, ran, rights

RUN = ran({"exact": rights(9, 10)})


def test_all_runs_are_of_one_candidate_but_folds() -> None:
    other = ran({"exact": rights(9, 10)}, name="seen", release="9" * 64)
    assert one_candidate({"holdout": RUN}, ()).state == "met"
    found = one_candidate({"holdout": RUN, "seen": other}, ())
    assert (found.state, found.priority) == ("invalid", "must")
    assert "seen of 999999999999" in found.reasons[0]
    assert one_candidate({"holdout": RUN, "seen": other}, {"seen"}).state == "met"


def test_a_seal_before_the_first_run_counts(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    began = RUN.header.started
    for seals, state, said in (
        ([Seal(plan.digest, began - 1)], "met", "before the first run"),
        ([Seal(plan.digest, began + 9), Seal(plan.digest, began - 1)], "met", "before the first run"),
        ([Seal(plan.digest, began + 1)], "unknown", "after the first run"),
        ([Seal("0" * 64, began - 1)], "unknown", "changed after it was sealed"),
        ([], "unknown", "never sealed"),
    ):
        found = sealed(plan, seals, {"holdout": RUN})
        assert (found.state, found.priority) == (state, "should")
        assert said in found.reasons[0]


def test_a_plan_is_sealed_once_and_its_changes_are_kept(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    assert read(plan.path) == []
    first = seal(plan, 1.0, "0")
    assert seal(plan, 2.0, "0") == first
    changed = plan_of(tmp_path, alpha=0.01)
    assert seal(changed, 3.0, "0").at == 3.0
    assert [one.at for one in read(plan.path)] == [1.0, 3.0]
    assert path_of(plan.path).name == "evaluation.sealed.jsonl"


def test_what_is_no_seal_is_refused(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    path_of(plan.path).write_text('{"digest": "x", "at": 1}\nnot a seal\n')
    with pytest.raises(BadInput, match=r"sealed\.jsonl:2: not a seal"):
        read(plan.path)


@pytest.mark.parametrize(
    ("verdict", "state"), [("pass", "met"), ("fail", "missed"), ("underpowered", "unknown"), ("invalid", "invalid")]
)
def test_a_gate_s_verdict_counts(tmp_path: Path, verdict: str, state: str) -> None:
    requires = [{"requirement": {}, "verdict": {"reasons": ["shown"]}}, {"requirement": {}, "verdict": None}]
    gate = {"verdict": verdict, "evidence": RUN.fingerprint, "requires": requires, "proof": None}
    (found,) = gates(plan_of(tmp_path), {"holdout": ran({"exact": rights(9, 10)}, gate=gate)})
    assert (found.state, found.reasons) == (state, ("shown", "there is no evidence for one of its requirements"))
    assert found.source == "judged where it was run"


def test_a_gate_of_other_results_is_none(tmp_path: Path) -> None:
    gate = {"verdict": "pass", "evidence": "0" * 64, "requires": [], "proof": {"signature": "x"}}
    (found,) = gates(plan_of(tmp_path), {"holdout": ran({"exact": rights(9, 10)}, gate=gate)})
    assert (found.state, found.source) == ("invalid", "signed by the gateway")


def test_a_gate_that_was_demanded_is_missed(tmp_path: Path) -> None:
    assert gates(plan_of(tmp_path), {"holdout": RUN}) == []
    demanding = plan_of(tmp_path, runs={"holdout": {"suite": SUITE, "gate": True}})
    (found,) = gates(demanding, {"holdout": RUN})
    assert (found.state, found.priority) == ("unknown", "must")
