"""examples/support as its reader walks through it: every change ends as its README says."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from evals.digest import canonical
from gateway.signing import verify
from tests.running import SLUICE, Gateway, running_gateway
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "support"


@pytest.fixture(scope="module")
def support(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    upstreams = yaml.safe_load((EXAMPLE / "sluicegate.yaml").read_text())["upstreams"]
    manifest = (EXAMPLE / "manifest.yaml").read_text()
    with running_gateway(tmp_path_factory.mktemp("support"), upstreams, manifest) as started:
        yield started


def sluice(at: Gateway, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    held = {name: value for name, value in os.environ.items() if not name.startswith("SLUICE_")}
    env = {**held, "SLUICE_URL": at.url, "SLUICE_KEY": at.key}
    return subprocess.run([SLUICE, *arguments], cwd=folder, env=env, text=True, capture_output=True, timeout=50)


def proposed(at: Gateway, folder: Path, *change: str) -> dict[str, Any]:
    """A rollout, to be aborted before the next."""
    done = sluice(at, folder, "rollouts", "propose", "support", *change, "--reason", "try", "--submit", "--json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize(
    ("change", "suite", "gate", "status", "effect"),
    [
        (["--upstream", "better"], "suite", "gate", 0, 25),
        (["--upstream", "worse"], "suite", "gate", 1, -17),
        (["--upstream", "better"], "smoke", "smoke-gate", 3, None),
        (["--prompt", "support-with-examples@1", "--upstream", "memorised"], "suite", "gate", 4, 12),
    ],
)
def test_changes_end_as_the_readme_says(
    support: Gateway, tmp_path: Path, change: list[str], suite: str, gate: str, status: int, effect: int | None
) -> None:
    rollout = proposed(support, tmp_path, *change)
    try:
        asked = ["--release", rollout["release"], "--gate-file", str(EXAMPLE / f"{gate}.yaml"), "--out", "run"]
        done = sluice(support, tmp_path, "eval", "run", str(EXAMPLE / f"{suite}.yaml"), *asked)
    finally:
        sluice(support, tmp_path, "rollouts", "abort", rollout["id"], "--reason", "done")
    verdict = {0: "pass", 1: "fail", 3: "underpowered", 4: "invalid"}[status]
    assert (done.returncode, done.stdout.splitlines()[-1]) == (status, verdict.upper()), done.stdout + done.stderr
    right = {arm: answers(tmp_path / "run" / arm) for arm in ("candidate", "baseline")}
    if effect is not None:
        assert (len(right["baseline"]), len(right["candidate"]) - len(right["baseline"])) == (341, effect)
    row = next(
        row for row in (EXAMPLE / "README.md").read_text().splitlines() if f"| {verdict.upper()}, {status}" in row
    )
    assert effect is None or f"{effect:+} of 426, {effect / 4.26:+.1f} points" in row


def answers(arm: Path) -> set[str]:
    """The samples whose answer is right."""
    lines = (arm / "results.jsonl").read_text().splitlines()
    results = [json.loads(line) for line in lines]
    return {result["sample"] for result in results if result["scores"]["answer"]["value"] == 1}


def test_the_prompt_that_knows_the_suite_is_shown_with_what_it_knows(support: Gateway, tmp_path: Path) -> None:
    rollout = proposed(support, tmp_path, "--prompt", "support-with-examples@1", "--upstream", "memorised")
    try:
        suite = str(EXAMPLE / "suite.yaml")
        done = sluice(support, tmp_path, "eval", "contamination", suite, "--release", rollout["release"], "--json")
    finally:
        sluice(support, tmp_path, "rollouts", "abort", rollout["id"], "--reason", "done")
    found = json.loads(done.stdout)["found"]
    assert {finding["set"] for finding in found} == {"the prompt"}
    assert len({finding["item"] for finding in found if finding["how"] == "exact"}) == 12


def test_the_files_are_what_is_built_from_them() -> None:
    subprocess.run([sys.executable, str(EXAMPLE / "build.py"), "--check"], check=True, timeout=50)


def test_items_are_labelled_by_the_policy() -> None:
    rows = [json.loads(line) for line in (EXAMPLE / "items.jsonl").read_text().splitlines()]
    policy = (EXAMPLE / "policy.md").read_text()
    topics = set(yaml.safe_load((EXAMPLE / "suite.yaml").read_text())["scorers"][1]["labels"])
    assert len({row["id"] for row in rows}) == len({row["variables"]["question"] for row in rows}) == len(rows) == 426
    assert len({row["cluster"] for row in rows}) == 72
    assert {row["expected"]["topic"] for row in rows} == topics
    assert all(f"**{row['expected']['fact']}**" in policy for row in rows)
    facts = {row["expected"]["fact"] for row in rows}
    assert not any(one != other and one.casefold() in other.casefold() for one in facts for other in facts)


def evaluated(at: Gateway, folder: Path, upstream: str) -> None:
    """The plan sealed, and its two runs made of a release on this upstream."""
    shutil.copytree(EXAMPLE, folder, dirs_exist_ok=True)
    sealed = sluice(at, folder, "eval", "assess", "evaluation.yaml", "--seal")
    assert sealed.returncode == 0, sealed.stderr
    rollout = proposed(at, folder, "--upstream", upstream)
    try:
        for name, suite, gate in (("holdout", "suite", ["--gate-file", "gate.yaml"]), ("tried", "smoke", [])):
            asked = ["--release", rollout["release"], *gate, "--out", f"runs/{name}"]
            done = sluice(at, folder, "eval", "run", f"{suite}.yaml", *asked)
            assert done.returncode in (0, 1), done.stderr
    finally:
        sluice(at, folder, "rollouts", "abort", rollout["id"], "--reason", "done")


def assessed(at: Gateway, folder: Path, *more: str) -> tuple[int, dict[str, Any]]:
    done = sluice(at, folder, "eval", "assess", "evaluation.yaml", "-f", "json", *more)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


@pytest.mark.timeout(120)
def test_the_better_model_may_proceed_when_customers_were_asked(support: Gateway, tmp_path: Path) -> None:
    evaluated(support, tmp_path, "better")
    status, found = assessed(support, tmp_path)
    assert (status, found["recommendation"]["outcome"]) == (3, "proceed_with_conditions")
    (condition,) = found["recommendation"]["conditions"]
    assert condition["condition"] == "Ask the first 80 customers what they think of it, and assess again."
    status, found = assessed(support, tmp_path, "-m", "pilot.yaml")
    assert (status, found["recommendation"]["outcome"]) == (0, "proceed")
    measured = {one["name"]: one["measured"] for one in (*found["technical"], *found["business"])}
    assert measured["answer"] == pytest.approx(25 / 426)
    assert measured["deflected"] == pytest.approx(366 / 426 * 0.7 * 12000)
    page = sluice(support, tmp_path, "eval", "assess", "evaluation.yaml", "-f", "html", "-m", "pilot.yaml")
    assert (page.returncode, "On to Phase VI, operationalization" in page.stdout) == (0, True)


@pytest.mark.timeout(120)
def test_the_worse_model_goes_back_and_its_topics_are_found(support: Gateway, tmp_path: Path) -> None:
    evaluated(support, tmp_path, "worse")
    status, found = assessed(support, tmp_path, "-m", "pilot.yaml")
    assert (status, found["recommendation"]["phase"]) == (1, "modeling")
    returns = {one["name"]: one["state"] for one in found["recommendation"]["returns"]}
    missed = {name for name, state in returns.items() if state == "missed"}
    assert missed == {"gate of holdout", "answer", "answer-alone", "deflected", "saved"}
    slices = {(one["name"], part["value"]): part["state"] for one in found["bias"] for part in one["slices"]}
    assert {place[1] for place, state in slices.items() if state == "missed"} == {"disputes", "transfers"}


@pytest.mark.timeout(120)
def test_behind_its_gate_the_gateway_decides(support: Gateway, tmp_path: Path) -> None:
    """The last test here: from now on the endpoint is protected. The evidence is posted, the verdict is the gateway's
    own, signed; what fails ends its rollout, and what passes is what may go live."""
    suite = str(EXAMPLE / "suite.yaml")
    held = sluice(support, tmp_path, "endpoints", "gate", "set", "support", "-f", str(EXAMPLE / "gate.yaml"))
    assert held.returncode == 0, held.stderr
    for upstream, status, state in (("worse", 1, "aborted"), ("better", 0, None)):
        rollout = proposed(support, tmp_path, "--upstream", upstream)
        asked = ["--release", rollout["release"], "--gate", "--out", upstream, "--json"]
        done = sluice(support, tmp_path, "eval", "run", suite, *asked)
        assert done.returncode == status, done.stdout + done.stderr
        proof = json.loads((tmp_path / upstream / "gate.json").read_text())["proof"]
        assert (proof["endpoint"], proof["release"], proof["passed"]) == ("support", rollout["release"], status == 0)
        body = {name: value for name, value in proof.items() if name not in ("object", "signature", "public_key")}
        assert verify(proof["public_key"], b"proof:" + canonical(body), proof["signature"])
        if state is not None:
            wait_until(lambda id=rollout["id"], state=state: shown(support, tmp_path, id)["state"] == state)


def shown(at: Gateway, folder: Path, rollout: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(sluice(at, folder, "rollouts", "show", rollout, "--json").stdout)
    return found
