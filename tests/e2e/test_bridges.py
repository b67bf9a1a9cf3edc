"""Tasks of Inspect and of lm-eval asked through a running gateway, by their own commands; and that what was imported of
them asks the same, to the letter."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from shutil import copytree
from typing import Any

import httpx
import pytest

from evals.runs.log import read_results
from tests.overlay import installed
from tests.running import SLUICE, Gateway, running_gateway
from tests.waiting import wait_until

HERE = Path(__file__).parent / "bridges"
RULES = [
    {"when": "weather", "call": {"name": "get_weather", "arguments": {"city": "Paris"}}},
    {"when": r"What is 4 \+ 4\?$", "say": "The answer is 9"},
    *({"when": rf"What is {n} \+ {n}\?$", "say": f"The answer is {2 * n}"} for n in range(1, 4)),
]
ALONE = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "NO_COLOR": "1"}

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("bridges")
    upstreams = {"demo": {"provider": "scripted", "rules": RULES}}
    manifest = "endpoints: {support-bot: {upstream: demo}}"
    with running_gateway(folder, upstreams, manifest, content={"capture": "full"}) as started:
        yield started


@pytest.fixture
def tasks(tmp_path: Path) -> Path:
    return Path(copytree(HERE, tmp_path / "tasks"))


def run(folder: Path, *command: str, **variables: str) -> str:
    env = {**os.environ, **ALONE, "HF_HOME": str(folder / "hf"), **variables}
    ended = subprocess.run(command, cwd=folder, env=env, text=True, capture_output=True, timeout=300)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def inspect(folder: Path, *options: str, **variables: str) -> dict[str, Any]:
    """The log of the one task that was run."""
    command = str(installed("inspect", "inspect-ai==0.3.285", "openai>=2.8") / "inspect")
    told = ("--display", "none", "--log-dir", "logs", "--log-format", "json")
    run(folder, command, "eval", *options, *told, **variables)
    (path,) = (folder / "logs").glob("*.json")
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def requests(gateway: Gateway, surface: str, last: int) -> list[dict[str, Any]]:
    """The bodies of the last calls of an API, as the gateway got them."""
    told: list[dict[str, Any]] = []

    def read() -> bool:
        listed = httpx.get(f"{gateway.url}/admin/calls", headers=gateway.headers, params={"limit": last}).json()["data"]
        ids = [call["id"] for call in listed if call["surface"] == surface and call["endpoint"] == "support-bot"]
        found = [httpx.get(f"{gateway.url}/admin/calls/{one}/content", headers=gateway.headers) for one in ids]
        told[:] = [json.loads(one.json()["request"]) for one in found if one.status_code == 200]
        return len(told) == last

    wait_until(read)
    return told


def rerun(gateway: Gateway, folder: Path, source: str, path: Path) -> dict[str, float]:
    """The metrics of what was imported, asked of the same endpoint."""
    told = {"SLUICE_URL": gateway.url, "SLUICE_KEY": gateway.key}
    run(folder, SLUICE, "eval", "import", source, str(path), "-o", "imported")
    run(folder, SLUICE, "eval", "run", "imported/suite.yaml", "--target", "support-bot", "--out", "again", **told)
    values: dict[str, list[float]] = {}
    for result in read_results(folder / "again" / "candidate"):
        for name, score in result.scores.items():
            assert score.value is not None
            values.setdefault(name, []).append(score.value)
    return {name: sum(held) / len(held) for name, held in values.items()}


def turns(bodies: list[dict[str, Any]]) -> list[list[tuple[str, str]]]:
    """What was said in each call, whatever their order."""
    return sorted([(one["role"], one["content"]) for one in body["messages"]] for body in bodies)


def test_inspect_by_chat_completions(asked: Gateway, tasks: Path) -> None:
    options = ("sums.py@sums", "--model", "openai-api/sluice/support-bot", "--epochs", "2", "--seed", "7")
    log = inspect(tasks, *options, SLUICE_BASE_URL=asked.api, SLUICE_API_KEY=asked.key)
    assert log["status"] == "success"
    told = {one["name"]: one["metrics"]["accuracy"]["value"] for one in log["results"]["scores"]}
    assert told == {"includes": 0.75, "match": 0.75}
    sent = requests(asked, "chat", 8)
    assert {one["seed"] for one in sent} == {7}
    assert all(one["messages"][0] == {"role": "system", "content": "Be brief."} for one in sent)
    (path,) = (tasks / "logs").glob("*.json")
    assert rerun(asked, tasks, "inspect", path)["includes"] == 0.75
    again = requests(asked, "chat", 8)
    assert turns(again) == turns(sent)


def test_inspect_by_responses_with_tools(asked: Gateway, tasks: Path) -> None:
    options = ("sums.py@weather", "--model", "openai/support-bot", "--temperature", "0")
    log = inspect(tasks, *options, OPENAI_BASE_URL=asked.api, OPENAI_API_KEY=asked.key)
    assert log["results"]["scores"][0]["metrics"]["accuracy"]["value"] == 1.0
    assert [one["role"] for one in log["samples"][0]["messages"]] == ["user", "assistant", "tool", "assistant"]
    second, first = requests(asked, "responses", 2)
    assert first["tools"][0]["name"] == "get_weather"
    assert second["input"][-1]["output"] == "Paris: sunny"


def test_lm_eval_generates_through_chat_completions(asked: Gateway, tasks: Path) -> None:
    command = str(installed("lm-eval", "lm-eval[api]==0.4.13") / "lm_eval")
    model = f"model=support-bot,base_url={asked.api}/chat/completions,num_concurrent=4"
    told = ("--apply_chat_template", "--log_samples", "--output_path", "out")
    given = ("--model", "local-chat-completions", "--model_args", model, "--tasks", "sums", "--include_path", ".")
    run(tasks, command, *given, *told, OPENAI_API_KEY=asked.key)
    (path,) = (tasks / "out").rglob("results_*.json")
    assert json.loads(path.read_text())["results"]["sums"]["exact_match,last-number"] == 0.75
    sent = requests(asked, "chat", 4)
    for one in sent:
        assert (one["model"], one["max_tokens"], one["temperature"]) == ("support-bot", 64, 0)
        assert (one["stop"], one["seed"]) == (["\n\n"], 1234)
        assert [message["role"] for message in one["messages"]] == ["system", "user", "assistant", "user"]
    assert rerun(asked, tasks, "lm-eval", tasks / "sums.yaml")["exact_match"] == 0.75
    assert turns(requests(asked, "chat", 4)) == turns(sent)
