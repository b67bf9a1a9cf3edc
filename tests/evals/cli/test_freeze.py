"""`sluice eval freeze` and `sluice eval schema`."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema_rs
import yaml
from typer.testing import CliRunner

from evals.cli.app import cli
from evals.suite import read
from tests.evals.making import suite_of


def test_the_dataset_of_a_suite_in_a_file_that_stays_as_it_is(tmp_path: Path) -> None:
    suite = suite_of(tmp_path)
    out = tmp_path / "kept.jsonl"
    done = CliRunner().invoke(cli, ["freeze", str(tmp_path / "suite.yaml"), "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert f"12 samples, dataset {suite.dataset.digest[:12]}" in done.output
    (tmp_path / "items.jsonl").unlink()
    held = yaml.safe_load((tmp_path / "suite.yaml").read_text())
    (tmp_path / "suite.yaml").write_text(yaml.safe_dump({**held, "dataset": "kept.jsonl"}))
    assert read(tmp_path / "suite.yaml").digest == suite.digest


def test_the_schema_is_printed_for_editors(tmp_path: Path) -> None:
    suite_of(tmp_path)
    done = CliRunner().invoke(cli, ["schema"])
    assert done.exit_code == 0, done.output
    rules = jsonschema_rs.validator_for(json.loads(done.output))
    assert rules.is_valid(yaml.safe_load((tmp_path / "suite.yaml").read_text()))
