"""What a suite says it may be known from, and the prompt of a release, in a run and by a command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from evals.contamination.known import evidence, look
from evals.errors import BadInput
from tests.evals.cli.test_run import BETTER, gate, sluice, sums
from tests.evals.making import suite_of

LONG = "Please tell me which of the two cards that I was sent last week I am to use abroad, and what it costs me."
ROWS = [{"id": "a", "input": LONG, "expected": "x"}, {"id": "b", "input": "Where is my money?", "expected": "y"}]


def test_files_and_the_prompt_are_looked_at(tmp_path: Path) -> None:
    (tmp_path / "train.jsonl").write_text(json.dumps({"q": "WHERE is  my money?"}) + "\n")
    suite = suite_of(tmp_path, ROWS, contamination={"sets": ["train.jsonl"]})
    found = evidence(suite, [{"role": "system", "content": f"Be kind.\nCustomer: {LONG}\nYou: the blue one."}])
    assert found is not None
    assert (found.sets, found.found, found.cleared) == (("train.jsonl", "the prompt"), 2, 0)
    assert {one["item"] for one in found.examples} == {"a", "b"}


def test_what_a_person_cleared_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text("Where is my money?\n")
    suite = suite_of(tmp_path, ROWS, contamination={"sets": ["train.txt"], "cleared": "cleared.yaml"})
    findings = look(suite)
    assert findings is not None
    (finding,) = findings.found
    cleared = [{"finding": finding.digest, "reason": "everybody asks so"}]
    (tmp_path / "cleared.yaml").write_text(yaml.safe_dump({"cleared": cleared}))
    found = evidence(suite)
    assert found is not None
    assert (found.found, found.cleared) == (0, 1)


def test_with_nothing_to_look_in_it_is_not_run(tmp_path: Path) -> None:
    assert evidence(suite_of(tmp_path, ROWS)) is None


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"none\.jsonl"):
        evidence(suite_of(tmp_path, ROWS, contamination={"sets": ["none.jsonl"]}))


def test_it_is_no_part_of_the_suite_s_digest(tmp_path: Path) -> None:
    plain = suite_of(tmp_path, ROWS).digest
    assert suite_of(tmp_path, ROWS, contamination={"sets": ["train.txt"]}).digest == plain


def test_a_run_on_known_items_is_invalid(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text("What is 7 + 7?\n")
    sums(tmp_path, contamination={"sets": ["train.txt"]})
    gate(tmp_path, at_least=0.5)
    done = sluice(tmp_path, "run", "suite.yaml", "--target", BETTER, "--gate-file", "gate.yaml")
    assert done.returncode == 4, done.stdout + done.stderr
    assert "1 of 60 items are in train.txt too" in done.stdout


def test_the_command_shows_what_matched(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_text("What is 7 + 7?\n")
    sums(tmp_path)
    done = sluice(tmp_path, "contamination", "suite.yaml", "--against", "train.txt")
    assert done.returncode == 0, done.stderr
    assert "1 of 60 items are known" in done.stdout
    assert "train.txt:1: What is 7 + 7?" in done.stdout
    told = json.loads(sluice(tmp_path, "contamination", "suite.yaml", "-a", "train.txt", "--json").stdout)
    assert told["found"][0]["item"] == "q7"
    assert sluice(tmp_path, "contamination", "suite.yaml").returncode == 2
