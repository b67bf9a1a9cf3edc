"""Every example a reader may copy works: commands and programs are run against a gateway, documents are parsed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import jsonschema_rs
import pytest
import yaml

from evals.evaluation.schema import plan as evaluation_schema
from evals.schema import schema as suite_schema
from gateway.configuration import load
from gateway.prompts.draft import PromptDraft
from gateway.releases.manifest import parse
from gateway.releases.plan import Plan, parse_gate
from tests.docs.pages import ROOT, Block, blocks
from tests.running import RULES, Gateway, running_gateway

WRITTEN = "http://127.0.0.1:8080"
"""Where the gateway listens on every page."""


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """As a first start leaves it: the endpoint `assistant`, on an upstream that plays the embedded model."""
    with running_gateway(
        tmp_path_factory.mktemp("docs"), {"smollm2": {"provider": "scripted", "rules": RULES}}
    ) as gateway:
        (bot,) = [block for block in blocks("yaml") if block.page.name == "quickstart.md"]
        (gateway.config.parent / "bot.yaml").write_text(bot.text)
        yield gateway


def run(gateway: Gateway, *command: str) -> str:
    env = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "SLUICE_KEY": gateway.key,
        "SLUICE_URL": gateway.url,
        "SLUICE_CONFIG": str(gateway.config),
    }
    done = subprocess.run(
        [part.replace(WRITTEN, gateway.url) for part in command],
        cwd=gateway.config.parent,
        env=env,
        capture_output=True,
        text=True,
        timeout=50,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def test_there_are_examples() -> None:
    assert len(blocks("sh")) >= 6
    assert len(blocks("python")) >= 4


@pytest.mark.parametrize("block", blocks("sh"), ids=str)
def test_commands(started: Gateway, block: Block) -> None:
    said = run(started, "bash", "-euo", "pipefail", "-c", block.text)
    assert said.strip()
    if "capital of France" in block.text and "sluice eval" not in block.text:
        assert "Paris" in said
    if '"greeter"' in block.text:
        assert "Greet Ada." in said


@pytest.mark.parametrize("block", blocks("python"), ids=str)
def test_programs(started: Gateway, block: Block) -> None:
    said = run(started, sys.executable, "-c", block.text)
    assert "Paris" in said or "And how many" in block.text or "assert " in block.text


@pytest.mark.parametrize("block", blocks("js"), ids=str)
def test_programs_for_node_parse(block: Block, tmp_path: Path) -> None:
    """They are run, in another form, by the e2e test of Node's client."""
    file = tmp_path / "example.mjs"
    file.write_text(block.text)
    node = Path(sys.executable).parent / "node"
    done = subprocess.run([node, "--check", file], capture_output=True, text=True, timeout=50)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("block", blocks("json"), ids=str)
def test_json(block: Block) -> None:
    assert json.loads(block.text)


@pytest.mark.parametrize("block", blocks("yaml"), ids=str)
def test_yaml(block: Block, tmp_path: Path) -> None:
    """A suite, an evaluation, a manifest, a prompt, a gate, a rollout's plan, or settings."""
    held = yaml.safe_load(block.text)
    if "evaluation" in held:
        assert [fault.message for fault in jsonschema_rs.validator_for(evaluation_schema()).iter_errors(held)] == []
        return
    if "scorers" in held:
        assert [fault.message for fault in jsonschema_rs.validator_for(suite_schema()).iter_errors(held)] == []
        return
    if "requires" in held:
        assert parse_gate(held).requires
        return
    if held.keys() <= {"shadow", "canary"}:
        assert Plan.parse(held) != Plan()
        return
    if "messages" in yaml.safe_load(block.text):
        drafted = {name: value for name, value in yaml.safe_load(block.text).items() if name != "name"}
        assert PromptDraft.parse(drafted, block.page.name)
        return
    if yaml.safe_load(block.text).keys() <= {"prompts", "policies", "endpoints"}:
        assert parse(block.text, block.page.name).endpoints
        return
    file = tmp_path / "sluicegate.yaml"
    file.write_text(block.text)
    assert load(file, {}).file == file


def test_what_is_not_run_names_files_that_are_there() -> None:
    """Blocks that build or start things name make targets, image targets and files of this repository."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for block in blocks("bash"):
        for line in block.text.splitlines():
            words = line.split("#")[0].split()
            if words[:1] == ["make"]:
                assert f"\n{words[1]}:" in makefile, line
            if words[:1] == ["cp"] and words[1].startswith("deploy/"):
                assert (ROOT / words[1]).exists(), line
